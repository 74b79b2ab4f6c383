/* SPDX-License-Identifier: Apache-2.0 */
/* Every outcome has its look in the manage API, and only one of them opens the door. */
#include "support/front.h"
#include "support/unit.h"

#include "api/manage/manage_private.h"

enum kind { SEND, CHECK, PEOPLE };

static const enum kind kinds[OUTCOME_COUNT] = {
#define OUTCOME(name, label, kind) [OUTCOME_##name] = kind,
#include "core/outcome.def"
#undef OUTCOME
};

static enum manage_look look_of(int outcome)
{
	switch (kinds[outcome]) {
	case SEND:
		return outcome == OUTCOME_SEND_LIMITED ? LOOK_LIMITED : LOOK_SENT;
	case CHECK:
		return outcome == OUTCOME_APPROVED ? LOOK_USER : LOOK_REFUSED;
	case PEOPLE:
		break;
	}
	return outcome == OUTCOME_NO_USER || outcome == OUTCOME_USER_DISABLED ||
	               outcome == OUTCOME_NO_PHONE
	           ? LOOK_NOBODY
	           : LOOK_OTHERS;
}

static void every_outcome_has_its_look(void **state)
{
	(void)state;
	for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++)
		assert_row(outcome_label((enum outcome)outcome).at,
		           manage_looks[outcome] == look_of(outcome));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_outcome_has_its_look)};
	return cmocka_run_group_tests_name("manage", tests, NULL, NULL);
}
