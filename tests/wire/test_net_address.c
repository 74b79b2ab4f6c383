/* SPDX-License-Identifier: Apache-2.0 */
/* Listen addresses as text and back. */
#include "support/unit.h"

#include "wire/net_address.h"

static void addresses_are_read_and_written(void **state)
{
	(void)state;
	static const struct {
		const char *in, *host;
		bool ipv6;
		unsigned port;
	} good[] = {
	    {"127.0.0.1:8080", "127.0.0.1", false, 8080},
	    {"0.0.0.0:0", "0.0.0.0", false, 0},
	    {"10.1.2.3:65535", "10.1.2.3", false, 65535},
	    {"[::1]:80", "::1", true, 80},
	    {"[::]:1", "::", true, 1},
	    {"[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535",
	     "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", true, 65535},
	};
	for (size_t i = 0; i < COUNT(good); i++) {
		struct net_address address;
		char text[NET_ADDRESS_TEXT_MAX];
		assert_row(good[i].in,
		           net_address_parse(bytes_from_text(good[i].in), &address) == OK);
		assert_string_equal(address.host, good[i].host);
		assert_int_equal(address.ipv6, good[i].ipv6);
		assert_int_equal(address.port, good[i].port);
		assert_int_equal(address.scheme, NET_SCHEME_NONE);
		net_address_format(&address, text);
		assert_string_equal(text, good[i].in);
	}
}

static void a_scheme_may_stand_before(void **state)
{
	(void)state;
	struct net_address address;
	assert_int_equal(net_address_parse(BYTES("http://127.0.0.1:80"), &address), OK);
	assert_int_equal(address.scheme, NET_SCHEME_HTTP);
	assert_string_equal(address.host, "127.0.0.1");
	assert_int_equal(net_address_parse(BYTES("https://[::1]:443"), &address), OK);
	assert_int_equal(address.scheme, NET_SCHEME_HTTPS);
	assert_true(address.ipv6);
	assert_int_equal(address.port, 443);
}

static void other_addresses_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "",
	    ":",
	    ":80",
	    "127.0.0.1",
	    "127.0.0.1:",
	    "127.0.0.1:65536",
	    "127.0.0.1:123456",
	    "127.0.0.1:-1",
	    "127.0.0.1:+1",
	    "127.0.0.1:8o",
	    "127.0.0.1:80:80",
	    "127.0.0.1 :80",
	    "localhost:80",
	    "1.2.3:80",
	    "1.2.3.4.5:80",
	    "::1:80",
	    "[::1]",
	    "[::1]80",
	    "[::1:80",
	    "[]:80",
	    "[127.0.0.1]:80",
	    "[::1%lo]:80",
	    "[::1]:",
	    "unix:/a/b",
	    "HTTP://127.0.0.1:80",
	    "http:127.0.0.1:80",
	    "http://http://127.0.0.1:80",
	    "https://localhost:80",
	    "https://",
	    "ftp://127.0.0.1:80",
	};
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct net_address address;
		assert_row(bad[i],
		           net_address_parse(bytes_from_text(bad[i]), &address) == ERR_MALFORMED);
	}
	struct net_address address;
	assert_int_equal(net_address_parse(BYTES("127.0.0.1\0:80"), &address), ERR_MALFORMED);
}

static void places_are_read_and_written(void **state)
{
	(void)state;
	static const struct {
		const char *in;
		bool good;
	} rows[] = {
	    {"", true},
	    {"unix:/a", true},
	    {"unix:/a b/c:1", true},
	    {"127.0.0.1:0", true},
	    {"[::1]:80", true},
	    {"unix:", false},
	    {"unix:a", false},
	    {"unix:/", false},
	    {"unix:/a/", false},
	    {"/a", false},
	    {"unix:/a\nb", false},
	    {"unix:/a\x7f", false},
	    {"UNIX:/a", false},
	    {"localhost:80", false},
	};
	struct net_place place;
	char text[NET_PLACE_TEXT_MAX];
	for (size_t i = 0; i < COUNT(rows); i++) {
		bool good = net_place_parse(bytes_from_text(rows[i].in), &place) == OK;
		assert_row(rows[i].in, good == rows[i].good);
		if (!good)
			continue;
		net_place_format(&place, text);
		assert_string_equal(text, rows[i].in);
		assert_int_equal(net_place_is_none(&place), !rows[i].in[0]);
	}
	char longest[] = "unix:/1234567890123456789012345678901234567890123456789012345678901234567"
			 "89012345678901234567890123456789012345678";
	struct bytes in = bytes_from_text(longest);
	assert_true(in.len > 5 + NET_PATH_MAX);
	assert_int_equal(net_place_parse(bytes_first(in, 5 + NET_PATH_MAX), &place), OK);
	assert_int_equal(strlen(place.path), NET_PATH_MAX);
	assert_int_equal(net_place_parse(bytes_first(in, 6 + NET_PATH_MAX), &place), ERR_MALFORMED);
	assert_int_equal(net_place_parse(BYTES("unix:/a\0b"), &place), ERR_MALFORMED);
}

static void loopback_is_told_from_the_rest(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool loopback;
	} rows[] = {
	    {"127.0.0.1:1", true}, {"127.255.1.2:1", true}, {"[::1]:1", true},
	    {"0.0.0.0:1", false},  {"12.7.0.1:1", false},   {"10.0.0.1:127", false},
	    {"[::]:1", false},     {"[::2]:1", false},      {"[127::1]:1", false},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct net_address address;
		assert_int_equal(net_address_parse(bytes_from_text(rows[i].text), &address), OK);
		assert_row(rows[i].text, net_address_is_loopback(&address) == rows[i].loopback);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(addresses_are_read_and_written),
	    cmocka_unit_test(a_scheme_may_stand_before),
	    cmocka_unit_test(other_addresses_are_refused),
	    cmocka_unit_test(places_are_read_and_written),
	    cmocka_unit_test(loopback_is_told_from_the_rest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
