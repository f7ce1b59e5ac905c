// SPDX-License-Identifier: GPL-2.0-only
#include "sim/ns3/ns3_stream.h"

#include <ns3/tcp-socket-factory.h>
#include <ns3/uinteger.h>

#include <algorithm>
#include <utility>

#include "mesh/base/assert.h"
#include "sim/ns3/convert.h"
#include "sim/ns3/shared_port_socket.h"

namespace weft::stack {
namespace {

constexpr std::uint32_t kReadSize = 65'536;

}  // namespace

void tune_tcp(ns3::Socket& socket, IpFamily family) {
  socket.SetAttribute("SegmentSize", ns3::UintegerValue(family == IpFamily::v4 ? 1440 : 1420));
}

Ns3Stream::Ns3Stream(Ns3Host& host, const Endpoint& remote) : host_(host), remote_(remote) { host_.add(*this); }

Ns3Stream::Ns3Stream(Ns3Host& host, ns3::Ptr<ns3::Socket> socket, const Endpoint& remote) : Ns3Stream(host, remote) {
  adopt(std::move(socket));
  phase_ = Phase::open;
  connected_ = true;
  ns3::Address local;
  socket_->GetSockName(local);
  local_ = from_ns3(local);
}

std::unique_ptr<Ns3Stream> Ns3Stream::connect(Ns3Host& host, const Endpoint& remote) {
  std::unique_ptr<Ns3Stream> stream(new Ns3Stream(host, remote));
  stream->dial();
  return stream;
}

std::unique_ptr<Ns3Stream> Ns3Stream::connect(Ns3Host& host, const Endpoint& remote, const Endpoint& local) {
  std::unique_ptr<Ns3Stream> stream(new Ns3Stream(host, remote));
  stream->dial_from(local);
  return stream;
}

void Ns3Stream::dial_from(const Endpoint& local) {
  using SocketPtr = ns3::Ptr<ns3::Socket>;
  local_ = local;
  if (!host_.powered() || local.address.is_unspecified() || local.address.family() != remote_.address.family())
    return finish(ErrorCode::unreachable, "cannot be reached: no address of that family, or no power");
  const auto socket = SharedPortSocket::create(host_.node());
  tune_tcp(*socket, remote_.address.family());
  adopt(socket);
  // A connection that both sides opened is told of as a server's is.
  socket->SetAcceptCallback(ns3::MakeNullCallback<bool, SocketPtr, const ns3::Address&>(),
                            ns3::Callback<void, SocketPtr, const ns3::Address&>(
                                [this](SocketPtr, const ns3::Address&) { later([this] { connected(); }); }));
  if (!socket->bind(local_, remote_)) return finish(ErrorCode::refused, "has a stream with this port already");
  if (socket->Connect(to_ns3(remote_)) != 0) finish(ErrorCode::unreachable, "cannot be reached: no route");
}

void Ns3Stream::dial() {
  const auto claimed = host_.tcp_ports().claim({IpAddress::any(remote_.address.family()), 0});
  if (!claimed || !host_.powered())
    return finish(ErrorCode::unreachable, "cannot be reached: no free port or no power");
  claimed_ = local_ = *claimed;
  auto socket = ns3::Socket::CreateSocket(host_.node(), ns3::TcpSocketFactory::GetTypeId());
  tune_tcp(*socket, remote_.address.family());
  adopt(std::move(socket));
  if (socket_->Bind(to_ns3(claimed_)) != 0 || socket_->Connect(to_ns3(remote_)) != 0) {
    return finish(ErrorCode::unreachable, "cannot be reached: no route");
  }
  ns3::Address local;
  socket_->GetSockName(local);
  local_ = from_ns3(local);
}

/// Everything that ns-3 tells becomes a task of its own, so that no handler runs inside ns-3's stack or a call of the
/// owner.
void Ns3Stream::adopt(ns3::Ptr<ns3::Socket> socket) {
  using SocketPtr = ns3::Ptr<ns3::Socket>;
  socket_ = std::move(socket);
  const auto told = [this](void (Ns3Stream::*what)()) {
    return ns3::Callback<void, SocketPtr>([this, what](SocketPtr) { later([this, what] { (this->*what)(); }); });
  };
  socket_->SetConnectCallback(told(&Ns3Stream::connected), ns3::Callback<void, SocketPtr>([this](SocketPtr) {
                                later([this] { finish(ErrorCode::unreachable, "does not answer"); });
                              }));
  socket_->SetCloseCallbacks(ns3::Callback<void, SocketPtr>([this](SocketPtr) {
                               later([this] { finish(ErrorCode::closed, "ended the stream"); });
                             }),
                             ns3::Callback<void, SocketPtr>([this](SocketPtr) {
                               later([this] { finish(ErrorCode::io, "broke the stream off"); });
                             }));
  socket_->SetSendCallback(
      ns3::Callback<void, SocketPtr, std::uint32_t>([this](SocketPtr, std::uint32_t) { later([this] { pump(); }); }));
  socket_->SetRecvCallback(ns3::Callback<void, SocketPtr>([this](SocketPtr) {
    if (!std::exchange(read_posted_, true)) later([this] { read(); });
  }));
}

void Ns3Stream::detach() {
  using SocketPtr = ns3::Ptr<ns3::Socket>;
  if (!socket_) return;
  const auto nothing = ns3::MakeNullCallback<void, SocketPtr>();
  socket_->SetConnectCallback(nothing, nothing);
  socket_->SetAcceptCallback(ns3::MakeNullCallback<bool, SocketPtr, const ns3::Address&>(),
                             ns3::MakeNullCallback<void, SocketPtr, const ns3::Address&>());
  socket_->SetCloseCallbacks(nothing, nothing);
  socket_->SetSendCallback(ns3::MakeNullCallback<void, SocketPtr, std::uint32_t>());
  socket_->SetRecvCallback(nothing);
  socket_->Close();
  socket_ = nullptr;
}

Ns3Stream::~Ns3Stream() {
  *exists_ = false;
  detach();
  if (claimed_.port != 0) host_.tcp_ports().release(claimed_);
  host_.remove(*this);
}

void Ns3Stream::later(std::function<void()> task) {
  host_.post([exists = exists_, task = std::move(task)] {
    if (*exists) task();
  });
}

void Ns3Stream::start(io::StreamHandlers handlers) {
  WEFT_ASSERT(!handlers_);
  handlers_ = std::make_shared<io::StreamHandlers>(std::move(handlers));
  if (phase_ != Phase::over && !std::exchange(read_posted_, true)) later([this] { read(); });
}

void Ns3Stream::connected() {
  if (phase_ == Phase::over) return;
  connected_ = true;
  if (phase_ == Phase::connecting) phase_ = Phase::open;
  const auto exists = exists_;
  if (const auto handlers = handlers_; handlers && handlers->on_connected) handlers->on_connected();
  if (*exists) pump();
}

std::size_t Ns3Stream::write(ByteView bytes) {
  if (phase_ == Phase::closing || phase_ == Phase::over) return 0;
  const std::size_t taken = std::min(bytes.size(), io::kStreamQueueLimit - queued());
  queue_.insert(queue_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(taken));
  if (taken < bytes.size()) fell_short_ = true;
  pump();
  return taken;
}

void Ns3Stream::pump() {
  if (!connected_ || phase_ == Phase::over) return;
  while (queued() > 0) {
    const std::size_t room = std::min<std::size_t>({queued(), socket_->GetTxAvailable(), kReadSize});
    if (room == 0 || socket_->Send(make_packet(ByteView(queue_).subspan(sent_, room)), 0) < 0) break;
    sent_ += room;
  }
  if (queued() == 0 || sent_ > io::kStreamQueueLimit) {
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(sent_));
    sent_ = 0;
  }
  if (phase_ == Phase::closing && queued() == 0) socket_->Close();
  if (!fell_short_ || queued() >= io::kStreamQueueLimit / 2) return;
  fell_short_ = false;
  later([this] {
    if (const auto handlers = handlers_; handlers && handlers->on_writable && phase_ == Phase::open)
      handlers->on_writable();
  });
}

void Ns3Stream::read() {
  read_posted_ = false;
  const auto handlers = handlers_;
  if (!handlers) return;
  const auto exists = exists_;
  while (*exists && socket_) {
    const auto packet = socket_->Recv(kReadSize, 0);
    if (!packet || packet->GetSize() == 0) return;
    const Bytes bytes = bytes_of(*packet);
    if (handlers->on_data) handlers->on_data(bytes);
  }
}

void Ns3Stream::close() {
  if (phase_ == Phase::over || phase_ == Phase::closing) return;
  phase_ = Phase::closing;
  pump();
}

/// The end, told once and after all data. Before the connection stood, an orderly end is a refusal.
void Ns3Stream::finish(ErrorCode code, const char* why) {
  if (phase_ == Phase::over) return;
  const auto exists = exists_;
  if (connected_) read();
  if (!*exists || phase_ == Phase::over) return;
  phase_ = Phase::over;
  const bool refused = !connected_ && code != ErrorCode::unreachable;
  detach();
  Error error{refused ? ErrorCode::refused : code,
              remote_.to_string() + (refused ? " refuses the connection" : std::string(" ") + why)};
  later([this, error = std::move(error)] {
    if (const auto handlers = handlers_; handlers && handlers->on_closed) handlers->on_closed(error);
  });
}

void Ns3Stream::refused() {
  later([this] {
    if (!connected_) finish(ErrorCode::refused, "");
  });
}

void Ns3Stream::power_off() {
  phase_ = Phase::over;
  detach();
}

}  // namespace weft::stack
