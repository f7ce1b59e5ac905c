// SPDX-License-Identifier: BSD-3-Clause
// Between OpenSSL and a Session's buffers; for the .cc files of this folder alone.
#pragma once

#include <openssl/bio.h>

#include "mesh/base/bytes.h"

namespace weft::tls {

/// Where a session's BIO reads and writes. OpenSSL's own memory BIO keeps its largest size for ever; this keeps
/// nothing.
struct BioBuffers {
  ByteView input;  // of the call under way
  Bytes output;
};

/// To be freed with BIO_meth_free.
BIO_METHOD* make_session_bio_method();
/// A BIO over `buffers`, which outlive it. Reading from an empty input asks to try again.
BIO* make_session_bio(const BIO_METHOD* method, BioBuffers& buffers);

}  // namespace weft::tls
