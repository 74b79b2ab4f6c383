/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/help.h"

#include <string.h>

static const struct {
	const char *command;
	const char *text;
} pages[] = {
    {"help", "verifyd verifies phone numbers: makes a one-time code, sends it, checks it.\n"
             "\n"
             "  verifyd serve   [FLAGS] [--listen ADDRESS:PORT]...   run the server\n"
             "  verifyd check   [FLAGS]                              mistakes of the file\n"
             "  verifyd import  [FLAGS] [FILE|-]                     records as JSON Lines\n"
             "  verifyd export  [FLAGS] [NUMBER]                     the same, without secrets\n"
             "  verifyd erase   [FLAGS] NUMBER                       forgets a number\n"
             "  verifyd log     [FLAGS] NUMBER                       what happened to it\n"
             "  verifyd backup  [FLAGS] FILE                         a copy, also under load\n"
             "  verifyd migrate [FLAGS]                              the store's schema\n"
             "  verifyd number  [-r REGION] [NUMBER...]              how a number is read\n"
             "  verifyd version\n"
             "  verifyd help    [COMMAND]\n"
             "\n"
             "FLAGS:  -c FILE        the configuration (/etc/verifyd/verifyd.yaml)\n"
             "        --dev          for development; reads no file unless -c names one\n"
             "        --data FOLDER  where the database is, whatever the file says\n"
             "\n"
             "A first try: verifyd serve --dev\n"},
    {"serve", "verifyd serve [-c FILE] [--dev] [--data FOLDER] [--listen ADDRESS:PORT]...\n"
              "\n"
              "Runs the server in the foreground until SIGTERM or Ctrl-C: then it accepts no\n"
              "more, finishes what it has begun (at most 10 s) and exits 0. SIGHUP reads the\n"
              "configuration again; a wrong file changes nothing. Logs go to stderr, as JSON\n"
              "when that is no terminal.\n"
              "\n"
              "  -c FILE            the configuration (/etc/verifyd/verifyd.yaml)\n"
              "  --dev              for development: listens on loopback only, messages go to\n"
              "                     the inbox page, limits are off (the tries of a code still\n"
              "                     count), data is in ./var, and there is a client demo with\n"
              "                     the secret demo-secret. A file named by -c beats all that.\n"
              "  --data FOLDER      where the database and the secret key are\n"
              "  --listen ADDRESS:PORT\n"
              "                     instead of 127.0.0.1:8080; port 0 lets the system pick one;\n"
              "                     [::1]:8080 for IPv6; may be given several times\n"},
    {"check", "verifyd check [-c FILE] [--dev] [--data FOLDER]\n"
              "\n"
              "Reads the configuration and tells every mistake as FILE:LINE: ...; exits 2 when\n"
              "there is one. Warns of values that leave a published rule, and exits 0 then.\n"
              "Makes and changes nothing.\n"
              "\n"
              "  -c FILE            the configuration (/etc/verifyd/verifyd.yaml)\n"},
    {"import",
     "verifyd import [-c FILE] [--dev] [--data FOLDER] [FILE|-]\n"
     "\n"
     "Records, one JSON object a line, from FILE or standard input; all or nothing. A\n"
     "mistake is told as FILE:LINE: ..., with exit code 2. Servers see it in a second.\n"
     "\n"
     "  tenant  id; name, settings {}, kii {appKey, clientId, clientSecret}\n"
     "  client  name; tenant, secret, scopes [], roles [], permissions [], disabled\n"
     "  user    tenant, id or userName; password, phone, phoneVerified, email,\n"
     "          emailVerified, uuid, firstName, lastName, nickName, displayName,\n"
     "          textNumber, country, locale, disabled, roles [], permissions [],\n"
     "          passwordExpires, forcePasswordChange, latestInviteStatus,\n"
     "          latestInviteDate, latestInviteUUID, lastLoginTimestamp,\n"
     "          userRolloutStage, custom {}\n"
     "  key     value (or hash); tenant, client or user, expiresAt, revoked\n"
     "  system  tenant, id; secret, signing (off optional required), allowPlainSecret\n"
     "  number  tenant, phone; state (dead landline), code (a test number's fixed\n"
     "          one), failures (0: counts anew)\n"
     "\n"
     "  {\"type\":\"client\",\"name\":\"app\",\"tenant\":\"shop\",\"scopes\":[\"otp.send\"]}\n"
     "\n"
     "What exists is replaced, but members not given keep their value; null takes one\n"
     "back. Scopes: otp.send otp.verify user.read user.write. Secrets and passwords\n"
     "are text, or a $argon2id$ hash.\n"},
    {"export", "verifyd export [-c FILE] [--dev] [--data FOLDER] [NUMBER]\n"
               "\n"
               "Writes all records as import takes them, in an order that depends on nothing but\n"
               "them; with NUMBER only the users and number records that have it. A running\n"
               "server goes on meanwhile.\n"
               "\n"
               "Secrets are left out: passwords, the secrets of clients and systems, fixed\n"
               "codes; of a key stands its digest (hash), by which it works on where it is\n"
               "imported. So are sessions, codes and budgets: for a whole copy see verifyd help\n"
               "backup, for what happened to a number verifyd help log.\n"},
    {"erase", "verifyd erase [-c FILE] [--dev] [--data FOLDER] NUMBER\n"
              "\n"
              "Forgets a number in every tenant, as its owner may ask: users whose phone it is,\n"
              "with their keys and sessions; every verification of it, so that live codes end;\n"
              "messages; the number records. Where it was only waiting to be verified, it no\n"
              "longer waits. Running servers go by that within a second.\n"
              "\n"
              "What was spent on it stays while it still counts, and events stay until\n"
              "retention ends, with a keyed hash in the place of the number. Backups that were\n"
              "made before still have it. Says how much was forgotten.\n"},
    {"log", "verifyd log [-c FILE] [--dev] [--data FOLDER] NUMBER\n"
            "\n"
            "What happened to a number, oldest first, a line each, as far back as retention:\n"
            "\n"
            "  TIME TAB KIND TAB REASON TAB TENANT TAB API TAB RECORD [TAB xN]\n"
            "\n"
            "KIND: asked, sent, refused, checked, changed. REASON is the true one, whatever\n"
            "the API answered. RECORD is the verification's id. xN: so many refusals of one\n"
            "second in one line. - stands where there is nothing.\n"},
    {"backup", "verifyd backup [-c FILE] [--dev] [--data FOLDER] FILE\n"
               "\n"
               "Copies the whole store, as it stands in one moment, to a new file that only its\n"
               "owner may read; a running server goes on meanwhile. Every answer that was given\n"
               "before the backup began is in it. Each record is read: a damaged store makes no\n"
               "backup (exit code 1).\n"
               "\n"
               "The secret key is not in it. Keep FOLDER/secret.key too, and elsewhere: who has\n"
               "both has the codes, who lost the key can check none of them.\n"
               "\n"
               "To restore: an empty folder (mode 0700) with FILE as verifyd.db and the key as\n"
               "secret.key (mode 0600), both owned by the user who runs verifyd serve.\n"
               "\n"
               "  -c, --dev, --data  as the server has them\n"},
    {"migrate", "verifyd migrate [-c FILE] [--dev] [--data FOLDER]\n"
                "\n"
                "Brings the store to the schema of this program, or says that it has it. serve\n"
                "and the other commands do so too; this does nothing else. Refused while a server\n"
                "of an older program runs on the store, and when a newer program wrote it. Make a\n"
                "backup first: there is no way back.\n"
                "\n"
                "  -c, --dev, --data  as the server has them\n"},
    {"number", "verifyd number [-r REGION] [NUMBER...]\n"
               "\n"
               "Says how numbers are understood, a line each; without NUMBER they come from\n"
               "standard input, one a line.\n"
               "\n"
               "  INPUT TAB E.164 TAB region TAB type      or      INPUT TAB - TAB reason\n"
               "\n"
               "  -r REGION          where national numbers are dialled: GB or GBR\n"},
    {"version", "verifyd version\n\nPrints the version.\n"},
};

bool help_print(FILE *to, const char *command)
{
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		if (strcmp(command ? command : "help", pages[i].command) != 0)
			continue;
		(void)fputs(pages[i].text, to);
		return true;
	}
	return false;
}
