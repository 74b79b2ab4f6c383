/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/dev.h"

const char dev_records[] =
    "{\"type\":\"tenant\",\"id\":\"demo\",\"name\":\"Demo\"}\n"
    "{\"type\":\"client\",\"tenant\":\"demo\",\"name\":\"demo\",\"secret\":\"demo-secret\","
    "\"scopes\":[\"otp.send\",\"otp.verify\",\"user.read\",\"user.write\"],"
    "\"roles\":[\"MobileApp\"],\"permissions\":[\"ReadData\"]}\n";

void dev_guide(FILE *to, const char *address)
{
	(void)fprintf(to,
	              "\n"
	              "  Inbox: http://%s/inbox   what would have gone to phones\n"
	              "\n"
	              "  dotdigital: send a code\n"
	              "    curl -u demo:demo-secret http://%s/webapi/verify \\\n"
	              "      -H 'Content-Type: application/json' -d '{\"to\":\"447700900123\"}'\n"
	              "\n"
	              "  Limits are off; data is in ./var. Ctrl-C stops.\n",
	              address, address);
}
