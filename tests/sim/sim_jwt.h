/* SPDX-License-Identifier: Apache-2.0 */
/* The tokens of defender-sim: JWTs signed with HS256 and a key that dies with the process. */
#ifndef SIM_JWT_H
#define SIM_JWT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "graph_buffer.h"

void sim_jwt_sign(const unsigned char key[32], const char *claims, struct graph_buffer *out);
/* The claims of a token this process signed (release with json_object_put); NULL for any other text. */
struct json_object *sim_jwt_open(const unsigned char key[32], const char *token);
/* The same of a token that anybody signed. */
struct json_object *sim_jwt_claims(const char *token);
/* base64 or base64url, padding optional; to be freed, 0-terminated. NULL if it is neither. */
char *sim_base64_decode(const char *text, size_t length);

#endif
