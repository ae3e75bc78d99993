# SPDX-License-Identifier: Apache-2.0
"""Certificates, keys and signed tokens, made by the openssl command."""
import base64
import hashlib
import json
import os
import re
import subprocess
import time
import uuid


def openssl(*words, data=None):
    return subprocess.run(["openssl", *words], input=data, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Certificate:
    """A self-signed certificate NAME.crt and its RSA key NAME.key in a directory."""

    def __init__(self, directory, name, days=90, passphrase=None):
        self.certificate, self.key = os.path.join(directory, name + ".crt"), os.path.join(directory, name + ".key")
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.key, "-out", self.certificate, "-days",
                str(days), "-subj", "/CN=" + name)
        os.chmod(self.key, 0o600)
        self.plain_key = self.key
        if passphrase:
            self.key = os.path.join(directory, name + ".locked.key")
            openssl("pkcs8", "-topk8", "-in", self.plain_key, "-out", self.key, "-passout", "pass:" + passphrase)
            os.chmod(self.key, 0o600)
        self.der = openssl("x509", "-in", self.certificate, "-outform", "DER")

    @property
    def thumbprints(self):
        return {"x5t#S256": base64url(hashlib.sha256(self.der).digest()), "x5t": base64url(hashlib.sha1(self.der).digest())}

    @property
    def sha1(self):
        return hashlib.sha1(self.der).hexdigest().upper()

    @property
    def jwk(self):
        """The public key (RFC 7517)."""
        modulus = openssl("x509", "-in", self.certificate, "-noout", "-modulus").decode().strip().split("=")[1]
        text = openssl("x509", "-in", self.certificate, "-noout", "-text").decode()
        exponent = int(re.search(r"Exponent: (\d+)", text).group(1))
        return {"kty": "RSA", "n": base64url(bytes.fromhex(modulus)),
                "e": base64url(exponent.to_bytes((exponent.bit_length() + 7) // 8, "big"))}

    @property
    def public_key(self):
        return openssl("x509", "-in", self.certificate, "-noout", "-pubkey").decode()

    def secrets(self):
        """What of the key must not be seen anywhere: a line of its PEM text, and its numbers as they lie in a file and in
        memory. By name."""
        with open(self.plain_key, encoding="ascii") as file:
            found = {"a line of the private key": file.read().split("\n")[8].encode()}
        text = openssl("rsa", "-in", self.plain_key, "-noout", "-text").decode()
        for name in ("privateExponent", "prime1", "prime2", "exponent1", "exponent2", "coefficient"):
            digits = re.search(name + r":\s*((?:[0-9a-f]{2}:?\s*)+)", text).group(1)
            number = bytes.fromhex(re.sub(r"[:\s]", "", digits)).lstrip(b"\0")
            found[name] = number[-48:]
            found[name + " (little-endian)"] = number[::-1][:48]
        return found

    def sign(self, claims, header=None):
        """A JWT, PS256."""
        head = dict({"alg": "PS256", "typ": "JWT", "x5t#S256": self.thumbprints["x5t#S256"]}, **(header or {}))
        text = "%s.%s" % (base64url(json.dumps(head).encode()), base64url(json.dumps(claims).encode()))
        signature = openssl("dgst", "-sha256", "-sign", self.plain_key, "-sigopt", "rsa_padding_mode:pss", "-sigopt",
                            "rsa_pss_saltlen:32", data=text.encode())
        return "%s.%s" % (text, base64url(signature))

    def assertion(self, client, audience, header=None, **claims):
        """What proves the client at that token endpoint."""
        now = int(time.time())
        return self.sign(dict({"aud": audience, "iss": client, "sub": client, "jti": str(uuid.uuid4()), "nbf": now, "iat": now,
                               "exp": now + 600}, **claims), header)
