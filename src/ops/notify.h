/* SPDX-License-Identifier: Apache-2.0 */
/* Tells the service manager how far we are (systemd's sd_notify(3), Type=notify-reload): one
 * datagram to the socket that it named in NOTIFY_SOCKET. Without one, nothing. Our own, because
 * libsystemd brings five libraries for these few octets. */
#ifndef OPS_NOTIFY_H
#define OPS_NOTIFY_H

enum notify_state { NOTIFY_READY, NOTIFY_RELOADING, NOTIFY_STOPPING };

/* Never waits; what cannot be told is logged. */
void notify_send(enum notify_state state);

#endif
