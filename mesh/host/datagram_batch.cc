// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/datagram_batch.h"

namespace weft::host {

msghdr& MessageHeaders::prepare(std::size_t index, std::size_t vector, std::uint8_t* content, std::size_t length) {
  vectors[vector] = {.iov_base = content, .iov_len = length};
  msghdr& message = headers[index].msg_hdr;
  message = {};
  message.msg_name = &names[index];
  message.msg_namelen = sizeof names[index];
  message.msg_iov = &vectors[vector];
  message.msg_iovlen = 1;
  message.msg_control = controls[index].bytes.data();
  message.msg_controllen = kControlSize;
  return message;
}

void MessageHeaders::repeat_ancillary(std::size_t index) {
  const msghdr& before = headers[index - 1].msg_hdr;
  msghdr& message = headers[index].msg_hdr;
  message.msg_name = before.msg_name;
  message.msg_namelen = before.msg_namelen;
  message.msg_control = before.msg_control;
  message.msg_controllen = before.msg_controllen;
}

}  // namespace weft::host
