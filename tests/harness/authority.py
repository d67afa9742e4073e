# SPDX-License-Identifier: Apache-2.0
"""A private certificate authority, made by openssl and good for a day."""

import subprocess


def _openssl(*arguments):
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


class Authority:
    """`ca` is the file to trust; `issue` makes a certificate and its key in the same folder."""

    def __init__(self, folder, name="authority"):
        self.folder, self.name = folder, name
        self.ca, self.key = folder / f"{name}.pem", folder / f"{name}.key"
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-days", "1", "-subj", f"/CN={name}", "-keyout", str(self.key), "-out", str(self.ca))  # fmt: skip

    def issue(self, name, *alternatives):
        """(certificate file, key file) for these alternative names: DNS:localhost, IP:127.0.0.1."""
        files = {kind: self.folder / f"{self.name}-{name}.{kind}" for kind in ("pem", "key", "csr", "ext")}
        files["ext"].write_text(f"subjectAltName={','.join(alternatives)}\n")
        _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-subj", f"/CN={name}", "-keyout", str(files["key"]), "-out", str(files["csr"]))  # fmt: skip
        _openssl("x509", "-req", "-in", str(files["csr"]), "-CA", str(self.ca), "-CAkey", str(self.key),
                 "-CAcreateserial", "-days", "1", "-extfile", str(files["ext"]), "-out", str(files["pem"]))  # fmt: skip
        return files["pem"], files["key"]
