/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the dotdigital dialect share: a call under way, and the tables of its failures
 * and answers. */
#ifndef API_DOTDIGITAL_PRIVATE_H
#define API_DOTDIGITAL_PRIVATE_H

#include "api/auth.h"
#include "api/dotdigital/dotdigital.h"
#include "wire/json_object.h"

/* One call under way, in the request's arena. */
struct dotdigital_call {
	struct api *api;
	struct request *request;
	struct auth auth;
	const struct settings *settings;
	struct flow_call flow;
	unsigned failures; /* of a body that is only answered when the id is known */
	/* after authentication, with media type and settings looked at */
	void (*run)(struct dotdigital_call *call);
};

/* Authenticates, looks at the media type, then call->run. Answers everything that goes wrong. */
void dotdigital_begin(struct api *api, struct request *request, enum right right,
                      void (*run)(struct dotdigital_call *call));

extern const struct json_options dotdigital_json;

/* The vendor's failure codes. */
enum failure {
	FAILURE_TO,
	FAILURE_FROM,
	FAILURE_COUNTRY,
	FAILURE_BODY,
	FAILURE_VALID_UNTIL,
	FAILURE_CODE,
	FAILURE_REQUEST,
	FAILURE_THROTTLED_TO,
	FAILURE_THROTTLED_CODE,
	FAILURES,
};

/* How an outcome looks in this API. */
enum look_kind {
	LOOK_MISSING = 0, /* no row may have it */
	LOOK_CREATED,     /* create_status and a VerifyCode */
	LOOK_NOT_SENT,    /* the same, CodeNotSent; text: numberStatus */
	LOOK_CHECKED,     /* 200 and a VerifyCode; text: status */
	LOOK_THROTTLED,   /* 400 and Retry-After; text: the property */
	LOOK_BAD_BODY,    /* 400 for what the body lacks */
	LOOK_UNKNOWN,     /* 204 */
};

struct dotdigital_look {
	enum look_kind kind;
	const char *text;
};

extern const struct dotdigital_look dotdigital_looks[OUTCOME_COUNT];

/* on_done of every flow call: answers by the table above. */
void dotdigital_on_outcome(struct flow_call *flow);

/* Every answer of a call leaves through this: it gives the principal back. */
void dotdigital_answer(struct dotdigital_call *call, int status, struct bytes type,
                       struct bytes body);
/* 400 with one item for each bit (1 << enum failure) of `failures`, in the order above. */
void dotdigital_refuse(struct dotdigital_call *call, unsigned failures);
/* 503: nothing was created or counted. */
void dotdigital_answer_fault(struct dotdigital_call *call, enum err err);

void dotdigital_create(struct api *api, struct request *request);
void dotdigital_validate(struct api *api, struct request *request);

#endif
