/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   u8 version | u8 kind | u64 issued_ms | u64 expires_ms | u32 epoch
 *   | u8 length, key id | u8 length, tenant | u8 length, user | 32 octets of MAC over all before
 *
 * Numbers have their highest octet first. */
#include "core/token.h"

#include <assert.h>

#define TOKEN_VERSION 1
#define TOKEN_TEXT_LEN_MAX 255

/* ---- octets ---------------------------------------------------------------------------------- */

static uint8_t *put_number(uint8_t *at, uint64_t value, int len)
{
	for (int i = len - 1; i >= 0; i--)
		*at++ = (uint8_t)(value >> 8 * i);
	return at;
}

static uint8_t *put_text(uint8_t *at, struct bytes text)
{
	assert(text.len <= TOKEN_TEXT_LEN_MAX);
	*at++ = (uint8_t)text.len;
	if (text.len)
		memcpy(at, text.at, text.len);
	return at + text.len;
}

/* What is left to read; reading past the end fails for good. */
struct reader {
	struct bytes left;
	bool failed;
};

static struct bytes take(struct reader *reader, size_t len)
{
	if (reader->failed || len > reader->left.len) {
		reader->failed = true;
		return BYTES_NONE;
	}
	struct bytes taken = bytes_first(reader->left, len);
	reader->left = bytes_from(reader->left, len);
	return taken;
}

static uint64_t take_number(struct reader *reader, size_t len)
{
	struct bytes taken = take(reader, len);
	uint64_t value = 0;
	for (size_t i = 0; i < taken.len; i++)
		value = value << 8 | (uint8_t)taken.at[i];
	return value;
}

static struct bytes take_text(struct reader *reader)
{
	return take(reader, (size_t)take_number(reader, 1));
}

/* ---- bearer tokens --------------------------------------------------------------------------- */

static enum err token_mac(struct keyring *keyring, struct bytes key_id, struct bytes payload,
                          uint8_t ret[SHA256_LEN])
{
	const struct bytes parts[] = {BYTES("verifyd token 1"), payload};
	return keyring_mac(keyring, key_id, KEY_TOKEN, parts, 2, ret);
}

enum err token_make(struct keyring *keyring, const struct token *token,
                    char ret[TOKEN_TEXT_MAX + 1])
{
	uint8_t octets[TOKEN_OCTETS_MAX], *at = octets;
	struct bytes key_id = keyring_writing_id(keyring);
	assert(token->kind >= TOKEN_USER && token->kind <= TOKEN_REFRESH);
	at = put_number(at, TOKEN_VERSION, 1);
	at = put_number(at, token->kind, 1);
	at = put_number(at, (uint64_t)token->issued_ms, 8);
	at = put_number(at, (uint64_t)token->expires_ms, 8);
	at = put_number(at, token->epoch, 4);
	at = put_text(at, key_id);
	at = put_text(at, token->tenant);
	at = put_text(at, token->user);
	enum err err = token_mac(keyring, key_id, bytes_of(octets, (size_t)(at - octets)), at);
	if (err)
		return err;
	struct bytes all = bytes_of(octets, (size_t)(at - octets) + SHA256_LEN);
	base64url_encode(all, ret);
	ret[BASE64URL_LEN(all.len)] = '\0';
	return OK;
}

/* What a payload says; false: it is none. The key it names need not be there. */
static bool payload_read(struct bytes payload, struct token *ret, struct bytes *ret_key_id)
{
	struct reader reader = {.left = payload};
	uint64_t version = take_number(&reader, 1);
	ret->kind = (enum token_kind)take_number(&reader, 1);
	ret->issued_ms = (int64_t)take_number(&reader, 8);
	ret->expires_ms = (int64_t)take_number(&reader, 8);
	ret->epoch = (uint32_t)take_number(&reader, 4);
	*ret_key_id = take_text(&reader);
	ret->tenant = take_text(&reader);
	ret->user = take_text(&reader);
	return !reader.failed && reader.left.len == 0 && version == TOKEN_VERSION;
}

enum err token_read(struct keyring *keyring, struct bytes text, enum token_kind kind,
                    struct bytes tenant, int64_t now_ms, uint8_t room[TOKEN_OCTETS_MAX],
                    struct token *ret)
{
	size_t len;
	struct token token;
	struct bytes key_id;
	if (text.len > TOKEN_TEXT_MAX || text.len <= BASE64URL_LEN(SHA256_LEN))
		return ERR_MALFORMED;
	if (base64url_decode(text, room, &len))
		return ERR_MALFORMED;
	struct bytes payload = bytes_of(room, len - SHA256_LEN);
	if (!payload_read(payload, &token, &key_id) || !keyring_has(keyring, key_id))
		return ERR_MALFORMED;
	uint8_t mac[SHA256_LEN];
	enum err err = token_mac(keyring, key_id, payload, mac);
	bool is_ours = err == OK && secret_equal(mac, room + payload.len, SHA256_LEN);
	secret_wipe(mac, sizeof(mac));
	if (err)
		return err;
	if (!is_ours || token.kind != kind || now_ms >= token.expires_ms ||
	    (tenant.at && !bytes_equal(tenant, token.tenant)))
		return ERR_MALFORMED;
	*ret = token;
	return OK;
}

bool token_fits(const struct token *token, const struct user *user)
{
	return bytes_equal(token->tenant, user->tenant) && bytes_equal(token->user, user->id) &&
	       token->epoch == user->token_epoch && token->issued_ms >= user->created_ms &&
	       !user->disabled;
}

/* ---- records --------------------------------------------------------------------------------- */

static enum err record_mac(struct keyring *keyring, struct bytes key_id, enum key_use use,
                           const struct id *id, uint8_t ret[SHA256_LEN])
{
	const struct bytes parts[] = {BYTES("verifyd record 1"), bytes_of(id->octets, ID_LEN)};
	return keyring_mac(keyring, key_id, use, parts, 2, ret);
}

enum err record_token_make(struct keyring *keyring, const struct id *id,
                           char ret[RECORD_TOKEN_LEN + 1])
{
	uint8_t octets[ID_LEN + SHA256_LEN];
	memcpy(octets, id->octets, ID_LEN);
	enum err err =
	    record_mac(keyring, keyring_writing_id(keyring), KEY_RECORD, id, octets + ID_LEN);
	if (err)
		return err;
	base64url_encode(bytes_of(octets, ID_LEN + RECORD_MAC_LEN), ret);
	ret[RECORD_TOKEN_LEN] = '\0';
	return OK;
}

enum err record_token_read(struct keyring *keyring, struct bytes text, struct id *ret)
{
	uint8_t octets[ID_LEN + RECORD_MAC_LEN], mac[SHA256_LEN];
	struct id id;
	size_t len;
	bool is_ours = false;
	if (text.len != RECORD_TOKEN_LEN || base64url_decode(text, octets, &len))
		return ERR_MALFORMED;
	memcpy(id.octets, octets, ID_LEN);
	/* It names no key: it is as long as the API says, and there are few. */
	for (size_t i = 0; i < keyring_size(keyring); i++) {
		enum err err = record_mac(keyring, keyring_id(keyring, i), KEY_RECORD, &id, mac);
		if (err)
			return err;
		is_ours |= secret_equal(mac, octets + ID_LEN, RECORD_MAC_LEN);
	}
	secret_wipe(mac, sizeof(mac));
	if (!is_ours)
		return ERR_MALFORMED;
	*ret = id;
	return OK;
}

enum err proof_make(struct keyring *keyring, struct bytes key_id, const struct id *id,
                    char ret[PROOF_LEN + 1])
{
	uint8_t mac[SHA256_LEN];
	enum err err = record_mac(keyring, key_id, KEY_PROOF, id, mac);
	if (err)
		return err;
	base64url_encode(bytes_of(mac, SHA256_LEN), ret);
	ret[PROOF_LEN] = '\0';
	return OK;
}
