/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Signs until it is killed: each line of FILE from number START on, twice in a row; every signature that
 * came back is noted by its hash with one write. The script that kills it then looks whether any hash
 * came back twice.
 *
 *   victim FILE NOTES START
 */
#include <fcntl.h>
#include <unistd.h>
#include "p11.h"

static void note(int fd, const uint8_t *digest)
{
	char text[2 * DIGEST + 2];
	for (size_t i = 0; i < DIGEST; i++)
		sprintf(text + 2 * i, "%02x", digest[i]);
	text[2 * DIGEST] = '\n';
	if (write(fd, text, 2 * DIGEST + 1) != 2 * DIGEST + 1)
		die("write", 0);
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: victim FILE NOTES START\n");
		return 2;
	}
	size_t count;
	struct line *lines = read_lines(argv[1], &count);
	int fd = open(argv[2], O_WRONLY | O_APPEND | O_CREAT, 0600);
	CK_FUNCTION_LIST *p11 = load_module(need("P11_SAM_MODULE"));
	CK_SESSION_HANDLE session = start_module(p11, lines[0].sad);
	CK_OBJECT_HANDLE key = find_object(p11, session, CKO_PRIVATE_KEY, need("CREDENTIAL_EC"));
	for (size_t i = 2 * strtoul(argv[3], NULL, 10); i < 2 * count; i++) {
		uint8_t signature[P256_SIGNATURE];
		CK_RV login;
		CK_RV rv = sign_under(p11, session, key, lines[i / 2].sad, lines[i / 2].digest, signature, &login);
		if (rv == CKR_OK)
			note(fd, lines[i / 2].digest);
		else if (rv != CKR_FUNCTION_REJECTED)
			die("C_Sign", rv);
	}
	return 0;
}
