// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/bin/local_api.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "mesh/bin/local_protocol.h"
#include "mesh/host/asio_host.h"
#include "mesh/io/stream.h"

namespace weft::bin {
namespace {

using nlohmann::json;

struct Entry {
  Access access;
  LocalApi::Method method;
};
using Methods = std::map<std::string, Entry>;

/// One connected command: reads lines, calls methods, writes lines.
class Caller : public std::enable_shared_from_this<Caller> {
 public:
  Caller(const Methods& methods, bool trusted, std::unique_ptr<io::Stream> stream)
      : methods_(methods), trusted_(trusted), stream_(std::move(stream)) {}

  void start(std::function<void()> on_end) {
    on_end_ = std::move(on_end);
    stream_->start({.on_connected = {},
                    .on_data = [this](ByteView bytes) { read(bytes); },
                    .on_writable = {},
                    .on_closed = [this](const Error&) { end(); }});
  }

  /// A caller that does not read its answers is cut off rather than waited for.
  void write(const json& line) {
    if (!stream_) return;
    const std::string text = line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
    if (stream_->write(as_bytes(text)) < text.size()) end();
  }
  bool connected() const { return stream_ != nullptr; }

 private:
  void read(ByteView bytes) {
    const auto self = shared_from_this();
    buffer_ += as_text(bytes);
    for (auto line = buffer_.find('\n'); line != std::string::npos && stream_; line = buffer_.find('\n')) {
      const std::string text = buffer_.substr(0, line);
      buffer_.erase(0, line + 1);
      handle(text);
    }
    if (buffer_.size() > kMaxLine) end();
  }

  void handle(const std::string& text);

  void end() {
    stream_.reset();
    if (const auto on_end = std::exchange(on_end_, nullptr)) on_end();
  }

  const Methods& methods_;
  bool trusted_;
  std::unique_ptr<io::Stream> stream_;
  std::string buffer_;
  std::function<void()> on_end_;
};

class Reply final : public LocalReply {
 public:
  explicit Reply(std::weak_ptr<Caller> caller) : caller_(std::move(caller)) {}
  void event(const json& event) override { write({{"event", event}}); }
  void finish(const json& result) override { write({{"result", result}}); }
  void fail(const Error& error) override { write(error_object(error)); }
  bool wanted() const override {
    const auto caller = caller_.lock();
    return caller && caller->connected();
  }

 private:
  void write(const json& line) {
    if (const auto caller = caller_.lock()) caller->write(line);
  }
  std::weak_ptr<Caller> caller_;
};

void Caller::handle(const std::string& text) {
  const auto request = json::parse(text, nullptr, false);
  const auto reply = std::make_shared<Reply>(weak_from_this());
  if (!request.is_object() || !request.contains("method") || !request["method"].is_string()) {
    return reply->fail({ErrorCode::usage, "a request is one JSON object with `method` and `params` on a line"});
  }
  const auto name = request["method"].get<std::string>();
  const auto found = methods_.find(name);
  if (found == methods_.end()) return reply->fail({ErrorCode::usage, "this daemon has no method " + name});
  if (found->second.access == Access::change && !trusted_) {
    return reply->fail(
        {ErrorCode::refused, "only root, the user that runs the daemon and its --group may do this: try sudo"});
  }
  const json params = request.value("params", json::object());
  if (!params.is_object()) return reply->fail({ErrorCode::usage, "`params` must be an object"});
  try {
    found->second.method(params, reply);
  } catch (const json::exception& error) {
    reply->fail({ErrorCode::usage, std::string("bad parameters of ") + name + ": " + error.what()});
  }
}

bool may_change(const host::PeerCredentials& who, std::optional<std::uint32_t> group) {
  if (who.uid == 0 || who.uid == ::geteuid()) return true;
  return group && (who.gid == *group || std::ranges::find(who.groups, *group) != who.groups.end());
}

}  // namespace

class LocalApi::Impl {
 public:
  Methods methods;
  std::set<std::shared_ptr<Caller>> callers;
  std::unique_ptr<host::LocalListener> listener;
};

LocalApi::LocalApi(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
LocalApi::~LocalApi() = default;

Result<std::unique_ptr<LocalApi>> LocalApi::listen(host::AsioHost& host, const std::string& path,
                                                   std::optional<std::uint32_t> group) {
  auto impl = std::make_shared<Impl>();
  const auto accept = [state = impl.get(), &host, group](auto stream, const host::PeerCredentials& who) {
    auto caller = std::make_shared<Caller>(state->methods, may_change(who, group), std::move(stream));
    state->callers.insert(caller);
    caller->start([state, &host, gone = std::weak_ptr(caller)] {
      host.post([keep = gone.lock()] {});  // the caller may be in the middle of a call
      state->callers.erase(gone.lock());
    });
  };
  auto listener = host.listen_local(path, accept);
  if (!listener) return std::unexpected(listener.error());
  impl->listener = std::move(*listener);
  return std::unique_ptr<LocalApi>(new LocalApi(std::move(impl)));
}

void LocalApi::add(const std::string& name, Access access, Method method) {
  impl_->methods[name] = {access, std::move(method)};
}

}  // namespace weft::bin
