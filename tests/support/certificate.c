/* SPDX-License-Identifier: Apache-2.0 */
#include "support/certificate.h"

#include "support/unit.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#define DAY_S (24 * 3600)

static void name_add(X509 *certificate, const char *name, const char *names)
{
	X509_NAME *subject = X509_get_subject_name(certificate);
	X509V3_CTX context;
	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
	X509_EXTENSION *extension =
	    X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name, names);
	assert_non_null(extension);
	assert_int_equal(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
	                                            (const unsigned char *)name, -1, -1, 0),
	                 1);
	assert_int_equal(X509_set_issuer_name(certificate, subject), 1);
	assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

void certificate_make(const char *folder, const char *name, const char *names,
                      struct certificate *ret)
{
	(void)snprintf(ret->certificate, sizeof(ret->certificate), "%s/%s.pem", folder, name);
	(void)snprintf(ret->key, sizeof(ret->key), "%s/%s.key", folder, name);
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	assert_true(key && certificate);
	assert_int_equal(X509_set_version(certificate, X509_VERSION_3), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1), 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), -DAY_S));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), DAY_S));
	assert_int_equal(X509_set_pubkey(certificate, key), 1);
	name_add(certificate, name, names);
	assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
	FILE *file = fopen(ret->certificate, "w");
	assert_true(file && PEM_write_X509(file, certificate) == 1 && fclose(file) == 0);
	file = fopen(ret->key, "w");
	assert_true(file && chmod(ret->key, 0600) == 0 &&
	            PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1 &&
	            fclose(file) == 0);
	X509_free(certificate);
	EVP_PKEY_free(key);
}
