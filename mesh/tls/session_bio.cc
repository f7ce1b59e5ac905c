// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/tls/session_bio.h"

#include <algorithm>

#include "mesh/base/assert.h"

namespace weft::tls {
namespace {

BioBuffers& buffers_of(BIO* bio) { return *static_cast<BioBuffers*>(BIO_get_data(bio)); }

int bio_write(BIO* bio, const char* data, std::size_t size, std::size_t* written) {
  Bytes& output = buffers_of(bio).output;
  output.insert(output.end(), data, data + size);
  *written = size;
  return 1;
}

int bio_read(BIO* bio, char* out, std::size_t size, std::size_t* read) {
  ByteView& input = buffers_of(bio).input;
  BIO_clear_retry_flags(bio);
  *read = std::min(size, input.size());
  if (*read == 0) {
    BIO_set_retry_read(bio);
    return 0;
  }
  std::copy_n(input.begin(), *read, out);
  input = input.subspan(*read);
  return 1;
}

long bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

}  // namespace

BIO_METHOD* make_session_bio_method() {
  BIO_METHOD* method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "weft session");
  WEFT_ASSERT(method != nullptr);
  WEFT_ASSERT(BIO_meth_set_write_ex(method, bio_write) == 1);
  WEFT_ASSERT(BIO_meth_set_read_ex(method, bio_read) == 1);
  WEFT_ASSERT(BIO_meth_set_ctrl(method, bio_control) == 1);
  return method;
}

BIO* make_session_bio(const BIO_METHOD* method, BioBuffers& buffers) {
  BIO* bio = BIO_new(method);
  WEFT_ASSERT(bio != nullptr);
  BIO_set_data(bio, &buffers);
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace weft::tls
