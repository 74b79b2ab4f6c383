/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the manage dialect share:
 *
 *   manage.c    routes, and what comes before every call
 *   identify.c  whom a userName and a phoneNumber mean
 *   validate.c  send.c  rollout.c    the three calls
 *   answer.c    the envelope, its errors and warnings
 *   user.c      a user as JSON and as protobuf */
#ifndef API_MANAGE_PRIVATE_H
#define API_MANAGE_PRIVATE_H

#include "api/auth.h"
#include "api/manage/manage.h"
#include "api/quota.h"
#include "core/flow_user.h"
#include "wire/ip.h"
#include "wire/json_object.h"
#include "wire/json_write.h"

#define MANAGE_FAULTS_MAX 4 /* faulty members that one answer names */

/* The vendor's error numbers, and ours where none was published. */
enum manage_error {
#define MANAGE_ERROR(name, status, code, title, message) MANAGE_##name,
#include "api/manage/error.def"
#undef MANAGE_ERROR
	MANAGE_ERRORS,
};

/* A member that is not as it must be. Both are literals. */
struct manage_fault {
	const char *member, *reason;
};

/* Whom a body names. */
struct manage_identity {
	struct bytes user_name; /* without blanks around it; absent: not given */
	struct bytes phone;     /* as typed; absent: not given */
	struct number number;   /* of the phone; none: no such number can exist */
	struct bytes typed[2];  /* both, normalised; absent: not given */
	struct bytes key; /* both in one text: what is counted, whether or not it is somebody */
};

/* What list/rolloutStage works through. */
struct manage_rollout {
	struct user values; /* of which the stage alone is taken */
	struct json_texts uuids;
	size_t at;   /* the one under way */
	bool *moved; /* for each of them; NULL: this is another call */
};

/* One call under way, in the request's arena. */
struct manage_call {
	struct api *api;
	struct request *request;
	struct auth auth;
	const struct settings *settings;
	char request_id[ID_TEXT_LEN + 1];
	bool has_ip; /* clientIp was given and is one address: */
	struct ip ip;
	struct bytes ip_text;              /* of its network, for limits */
	struct bytes address;              /* the address itself, for the record */
	bool client_ip_ignored;            /* given, and not one address */
	const struct json_member *members; /* of the body; faults are told in their order */
	size_t members_n;
	struct manage_fault faults[MANAGE_FAULTS_MAX];
	size_t faults_n;
	struct manage_identity identity;
	struct phantom phantom; /* of the identity */
	struct flow_user_call flow;
	struct manage_rollout rollout;
	/* after authentication, the clientIp and the caller's own limit */
	void (*run)(struct manage_call *call);
};

/* Authenticates, reads clientIp, counts the call, then `run`. Answers everything that goes wrong.
 */
void manage_begin(struct api *api, struct request *request, enum right right,
                  void (*run)(struct manage_call *call));
/* Reads the body into `body` by `members`; false: answered. Members of the wrong type are in *ret.
 */
bool manage_read(struct manage_call *call, const struct json_member *members, size_t members_n,
                 void *body, struct json_found *ret);

/* Notes a faulty member; of one member the first fault stays. */
bool manage_has_fault(const struct manage_call *call, const char *member);
void manage_fault(struct manage_call *call, const char *member, const char *reason);
/* Fills call->identity from what was typed (absent: not given), noting faults. ERR_NO_MEMORY. */
MUST_CHECK enum err manage_identity_read(struct manage_call *call, struct bytes user_name,
                                         struct bytes phone);
/* Says in call->flow whom the identity means: the one active user who fits, or his phantom. */
MUST_CHECK enum err manage_who(struct manage_call *call);

/* What is counted for this call. */
struct quota_who manage_by_identifier(const struct manage_call *call);
struct quota_who manage_by_address(const struct manage_call *call, enum quota quota);

/* ---- answers: each ends the call ---- */

/* How an outcome looks in this API. */
enum manage_look {
	LOOK_MISSING = 0, /* no row may have it */
	LOOK_USER,        /* 200 and the user */
	LOOK_REFUSED,     /* 160001, whatever it was */
	LOOK_SENT,        /* 200, whether or not something left */
	LOOK_LIMITED,     /* 160002 and Retry-After */
	LOOK_NOBODY,      /* what somebody would have got: LOOK_SENT or LOOK_REFUSED */
	LOOK_OTHERS,      /* of commands that this API does not give */
};
extern const enum manage_look manage_looks[OUTCOME_COUNT];
/* on_done of a send and of a check: answers by the table above. */
void manage_on_outcome(struct flow_call *flow);

/* 200 with what was written since manage_open, which begins the envelope's object with its first
 * three members. */
void manage_open(struct manage_call *call, struct buf *buf, struct json_writer *json);
void manage_close(struct manage_call *call, struct buf *buf, struct json_writer *json);
/* 200 and the user, as JSON or as the client prefers. */
void manage_answer_user(struct manage_call *call, const struct user *user, int64_t last_login_ms);
/* One error. */
void manage_refuse(struct manage_call *call, enum manage_error error);
/* 400, one entry a fault noted. */
void manage_refuse_faults(struct manage_call *call);
/* Whether there is neither a fault of ours nor of the request; false: answered. */
bool manage_is_sound(struct manage_call *call, enum err err);
/* 403 and Retry-After. */
void manage_refuse_for(struct manage_call *call, int64_t wait_ms);
/* 500: whatever went wrong here. */
void manage_answer_fault(struct manage_call *call, enum err err);
/* Writes the envelope's warnings. */
void manage_write_warnings(const struct manage_call *call, struct json_writer *json);

/* What a clientIp that was not one address is told. All live for ever. */
void manage_client_ip_warning(int32_t *ret_code, char **ret_title, char **ret_message);

/* The user as he is shown: one view, two encodings. */
struct manage_view;
struct manage_view *manage_view_new(struct manage_call *call, const struct user *user,
                                    int64_t last_login_ms);
void manage_view_json(const struct manage_view *view, struct json_writer *json);
/* The whole answer as protobuf, in the arena; absent: no memory. */
struct bytes manage_view_protobuf(const struct manage_view *view, struct arena *arena);

void manage_validate(struct api *api, struct request *request);
void manage_send(struct api *api, struct request *request);
void manage_rollout(struct api *api, struct request *request);

#endif
