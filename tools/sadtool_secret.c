/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sadtool new: the signer's PIN and certificate.
 */
#include "tools/sadtool.h"

#include <stdio.h>
#include <string.h>
#include "base/file.h"
#include "base/x509.h"
#include "registry/password.h"

/* ---- the PIN ---- */

/* Only what the SAM's scanner takes: it goes into the payload as it is. */
static int read_pin(const char *option, const char *source, struct sam_secret *out)
{
	struct sam_msg msg = {""};
	if (!source)
		return SADTOOL_OK;
	if (sam_file_read_pin(source, out, &msg) != SAM_OK)
		return sadtool_fail(option, "%s", msg.text);
	bool ok = out->len >= SAM_KNOWLEDGE_MIN && out->len <= SAM_KNOWLEDGE_MAX;
	for (size_t i = 0; ok && i < out->len; i++)
		ok = out->data[i] >= 0x20 && out->data[i] < 0x7f && out->data[i] != '"' && out->data[i] != '\\';
	return ok ? SADTOOL_OK
		  : sadtool_fail(option, "a PIN has %d to %d printable ASCII characters, and no \" or \\", SAM_KNOWLEDGE_MIN,
				 SAM_KNOWLEDGE_MAX);
}

int sadtool_read_pins(struct sadtool_order *order)
{
	const char *const option = order->pin_source ? "--pin-source" : "--new-pin-source";
	if ((order->pin_source || order->new_pin_source) && !order->encrypt_to)
		return sadtool_misuse(option, "a PIN is sent in an encrypted SAD only: add --encrypt-to with what "
					      "`samctl sap key` prints");
	if (order->new_pin_source && (!order->operation || strcmp(order->operation, "pin") != 0))
		return sadtool_misuse("--new-pin-source", "a new PIN is what --operation pin is about");
	int status = read_pin("--pin-source", order->pin_source, &order->pin);
	return status == SADTOOL_OK ? read_pin("--new-pin-source", order->new_pin_source, &order->new_pin) : status;
}

static bool add(char *out, size_t size, const char *before, const struct sam_secret *pin, const char *after)
{
	const size_t used = strlen(out);
	if (!pin->len)
		return true;
	int n = snprintf(out + used, size - used, "%s%.*s%s", before, (int)pin->len, (const char *)pin->data, after);
	return n > 0 && (size_t)n < size - used;
}

char *sadtool_payload(const struct sadtool_order *order, const json_t *claims)
{
	enum { MORE = 2 * SAM_KNOWLEDGE_MAX + 64 };
	sam_auto(sam_free) char *rest = json_dumps(claims, JSON_COMPACT);
	const size_t size = rest ? strlen(rest) + MORE : 0;
	char *text = rest ? calloc(1, size) : NULL;
	if (!text)
		return NULL;
	text[0] = '{';
	if (add(text, size, "\"pin\":\"", &order->pin, "\",") &&
	    add(text, size, "\"operation_params\":{\"new\":\"", &order->new_pin, "\"},")) {
		strcat(text, rest + 1);
		return text;
	}
	sam_mem_wipe(text, size);
	free(text);
	return NULL;
}

/* ---- with which certificate ---- */

static bool add_certificate(json_t *list, const uint8_t *der, size_t len)
{
	sam_auto(sam_free) char *text = malloc(4 * (len / 3 + 1) + 1);
	if (!text)
		return false;
	EVP_EncodeBlock((unsigned char *)text, der, (int)len); /* base64, not base64url (RFC 7515 section 4.1.6) */
	return json_array_append_new(list, json_string(text)) == 0;
}

int sadtool_read_x5c(struct sadtool_order *order)
{
	struct sam_secret file = {NULL, 0};
	struct sam_x509 x = {.der = NULL};
	struct sam_msg msg = {""};
	if (!order->x5c)
		return SADTOOL_OK;
	if (!sadtool_read(order->x5c, SAM_X509_FILE_MAX, &file))
		return SADTOOL_FAILED;
	enum sam_reason reason = sam_x509_read(file.data, file.len, &x, &msg);
	bool ok = reason == SAM_OK && (order->chain = json_array()) && add_certificate(order->chain, x.der, x.len);
	for (size_t i = 0; ok && i < x.chain_count; i++)
		ok = add_certificate(order->chain, x.chain[i].der, x.chain[i].len);
	int status = ok ? SADTOOL_OK : sadtool_fail(order->x5c, "%s", msg.text[0] ? msg.text : "out of memory");
	sam_x509_clear(&x);
	sam_secret_clear(&file);
	return status;
}
