/* SPDX-License-Identifier: Apache-2.0 */
/* The command `verifyd number [-r REGION] [NUMBER...]`: how the numbering plan reads numbers. */
#ifndef OPS_NUMBER_H
#define OPS_NUMBER_H

/* `argv[0]` is the command's own name. Numbers come from the arguments or, without any, from
 * standard input, one a line; each is answered on standard output by INPUT TAB E.164 TAB region TAB
 * type, or INPUT TAB - TAB reason. Control characters of INPUT are shown as `?` and what lies
 * beyond E164_INPUT_MAX as `...`, so that a line out has only the TABs named here. Returns the exit
 * code: 0, 1 when reading or writing failed, 2 for wrong usage; the message is then on stderr. */
int ops_number(int argc, char **argv);

#endif
