/* SPDX-License-Identifier: Apache-2.0 */
/* One address as it is written, and the network it counts as. */
#include "cases.h"

#include "wire/ip.h"

static const struct row {
	const char *in;
	const char *text, *network; /* NULL: refused */
} rows[] = {
    {"198.51.100.7", "198.51.100.7", "198.51.100.7"},
    {"0.0.0.0", "0.0.0.0", "0.0.0.0"},
    {"255.255.255.255", "255.255.255.255", "255.255.255.255"},
    {"  198.51.100.7\t", "198.51.100.7", "198.51.100.7"},
    {"::1", "::1", "::"},
    {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"},
    {"2001:DB8::0001", "2001:db8::1", "2001:db8::"},
    {"[2001:db8::1]", "2001:db8::1", "2001:db8::"},
    {" [::1] ", "::1", "::"},
    {"::ffff:198.51.100.7", "198.51.100.7", "198.51.100.7"},
    {"::ffff:c633:6407", "198.51.100.7", "198.51.100.7"},
    {"[::ffff:198.51.100.7]", "198.51.100.7", "198.51.100.7"},
    {"::198.51.100.7", "::198.51.100.7", "::"},
    {"64:ff9b::198.51.100.7", "64:ff9b::c633:6407", "64:ff9b::"},
    {"", NULL, NULL},
    {" ", NULL, NULL},
    {"[]", NULL, NULL},
    {"[", NULL, NULL},
    {"[198.51.100.7]", NULL, NULL},
    {"[::1", NULL, NULL},
    {"::1]", NULL, NULL},
    {"198.51.100", NULL, NULL},
    {"198.51.100.7.8", NULL, NULL},
    {"198.51.100.256", NULL, NULL},
    {"198.51.100.07", NULL, NULL},
    {"0x7f.1", NULL, NULL},
    {"2130706433", NULL, NULL},
    {"198.51.100.7:80", NULL, NULL},
    {"[::1]:80", NULL, NULL},
    {"198.51.100.7, 198.51.100.8", NULL, NULL},
    {"198.51.100.7 198.51.100.8", NULL, NULL},
    {"198.51.100.7/32", NULL, NULL},
    {"::1/64", NULL, NULL},
    {"fe80::1%eth0", NULL, NULL},
    {"1::2::3", NULL, NULL},
    {"1:2:3:4:5:6:7", NULL, NULL},
    {"1:2:3:4:5:6:7:8:9", NULL, NULL},
    {"12345::", NULL, NULL},
    {"localhost", NULL, NULL},
    {"example.com", NULL, NULL},
    {"0000:0000:0000:0000:0000:ffff:198.051.100.007xxxxx", NULL, NULL},
};

static void an_address_is_read(void **state)
{
	const struct row *row = ROW_OF(state, struct row);
	struct ip ip, network;
	char text[IP_TEXT_MAX];
	assert_int_equal(ip_parse(bytes_from_text(row->in), &ip), row->text != NULL);
	if (!row->text)
		return;
	ip_format(&ip, text);
	assert_string_equal(text, row->text);
	network = ip_network(&ip);
	ip_format(&network, text);
	assert_string_equal(text, row->network);
}

static void a_nul_ends_nothing(void **state)
{
	(void)state;
	struct ip ip;
	assert_false(ip_parse(BYTES("198.51.100.7\0"), &ip));
	assert_false(ip_parse(BYTES("::1\0.example.com"), &ip));
}

int main(void)
{
	static struct cases cases;
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_nul_ends_nothing)};
	CASES_ADD(&cases, tests);
	CASES_ADD_ROWS(&cases, "ip", rows, an_address_is_read);
	return cases_run("ip", &cases);
}
