// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/transport/named_stream.h"

#include <utility>

#include "mesh/io/host.h"
#include "mesh/io/resolver.h"

namespace weft::transport {

NamedStream::NamedStream(io::Host& host, std::string name, std::uint16_t port)
    : host_(host), name_(std::move(name)), port_(port) {
  if (const auto address = IpAddress::parse(name_)) inner_ = host_.connect({*address, port_});
}

NamedStream::~NamedStream() = default;

void NamedStream::start(io::StreamHandlers handlers) {
  callbacks_.set(std::move(handlers));
  if (inner_) return start_inner();
  host_.resolver().resolve(name_, [self = std::weak_ptr(self_)](const Result<std::vector<IpAddress>>& answer) {
    if (const auto alive = self.lock()) (*alive)->resolved(answer);
  });
}

void NamedStream::resolved(const Result<std::vector<IpAddress>>& answer) {
  if (!callbacks_.set_and_open()) return;
  if (!answer) {
    callbacks_.closed(answer.error());
    return;
  }
  untried_.assign(answer->rbegin(), answer->rend());
  inner_ = host_.connect({untried_.back(), port_});
  untried_.pop_back();
  start_inner();
}

void NamedStream::start_inner() {
  inner_->start({.on_connected =
                     [this] {
                       connected_ = true;
                       callbacks_.connected();
                     },
                 .on_data = [this](ByteView bytes) { callbacks_.data(bytes); },
                 .on_writable = [this] { callbacks_.writable(); },
                 .on_closed = [this](const Error& why) { handle_closed(why); }});
}

void NamedStream::handle_closed(const Error& why) {
  if (connected_ || untried_.empty()) {
    callbacks_.closed(why);
    return;
  }
  inner_ = host_.connect({untried_.back(), port_});  // a handler of a stream may destroy it
  untried_.pop_back();
  start_inner();
}

void NamedStream::close() {
  untried_.clear();
  if (inner_) return inner_->close();
  host_.post(callbacks_.while_open([self = std::weak_ptr(self_)] {
    const auto alive = self.lock();
    if (alive) (*alive)->callbacks_.closed({ErrorCode::closed, "closed before it was connected"});
  }));
}

}  // namespace weft::transport
