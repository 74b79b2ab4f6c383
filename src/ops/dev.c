/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/dev.h"

const char dev_records[] =
    "{\"type\":\"tenant\",\"id\":\"demo\",\"name\":\"Demo\","
    "\"kii\":{\"appKey\":\"demo-key\",\"clientId\":\"demo-admin\","
    "\"clientSecret\":\"demo-admin-secret\"}}\n"
    "{\"type\":\"client\",\"tenant\":\"demo\",\"name\":\"demo\","
    "\"secret\":\"demo-secret\",\"scopes\":[\"otp.send\",\"otp.verify\","
    "\"user.read\",\"user.write\"],\"roles\":[\"MobileApp\"],"
    "\"permissions\":[\"ReadData\"]}\n"
    "{\"type\":\"key\",\"tenant\":\"demo\",\"value\":\"demo-api-key\","
    "\"client\":\"demo\"}\n"
    "{\"type\":\"user\",\"tenant\":\"demo\","
    "\"id\":\"5b0c2a52-7d0c-4d0e-8a39-1f2f3a4b5c6d\",\"userName\":\"ada\","
    "\"password\":\"demo-password\",\"firstName\":\"Ada\","
    "\"phone\":\"+447700900123\",\"roles\":[\"MobileApp\"],"
    "\"permissions\":[\"ReadData\"]}\n"
    "{\"type\":\"key\",\"tenant\":\"demo\",\"value\":\"demo-pat\",\"user\":\"ada\"}\n"
    "{\"type\":\"system\",\"tenant\":\"demo\",\"id\":\"demo-system\","
    "\"secret\":\"demo-system-secret\",\"signing\":\"optional\"}\n";

void dev_guide(FILE *to, const char *url)
{
	(void)fprintf(to,
	              "\n"
	              "  Inbox: %s/inbox   what would have gone to phones\n"
	              "\n"
	              "  dotdigital: send a code\n"
	              "    curl -u demo:demo-secret %s/webapi/verify \\\n"
	              "      -H 'Content-Type: application/json' -d '{\"to\":\"447700900123\"}'\n"
	              "\n"
	              "  manage: send Ada a code to log in with\n"
	              "    curl -u demo:demo-secret %s/manage/v2/user/send/otp \\\n"
	              "      -H 'Content-Type: application/json' -d '{\"userName\":\"ada\"}'\n"
	              "\n"
	              "  Limits are off; data is in ./var. Ctrl-C stops.\n",
	              url, url, url);
}

/* A word of a shell. */
static void write_quoted(FILE *to, const char *flag, const char *text)
{
	if (!text)
		return;
	(void)fprintf(to, " %s '", flag);
	for (; *text; text++)
		(void)fputs(*text == '\'' ? "'\\''" : (char[]){*text, '\0'}, to);
	(void)fputc('\'', to);
}

void first_guide(FILE *to, const char *file, const char *data)
{
	(void)fputs("\n"
	            "There is no tenant yet. This makes one, and a client whose secret it shows:\n"
	            "\n"
	            "secret=$(openssl rand -hex 16); echo \"the secret of app: $secret\"\n"
	            "verifyd import",
	            to);
	write_quoted(to, "-c", file);
	write_quoted(to, "--data", data);
	(void)fputs(" <<END\n"
	            "{\"type\":\"tenant\",\"id\":\"main\"}\n"
	            "{\"type\":\"client\",\"tenant\":\"main\",\"name\":\"app\",\"secret\":"
	            "\"$secret\","
	            "\"scopes\":[\"otp.send\",\"otp.verify\"]}\n"
	            "END\n",
	            to);
}
