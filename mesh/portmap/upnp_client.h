// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "mesh/base/deadlines.h"
#include "mesh/base/queue.h"
#include "mesh/http/codec.h"
#include "mesh/portmap/upnp_igd.h"

namespace weft::portmap {

/// A UPnP Internet gateway at one address: search, description, actions, one HTTP exchange at a time. Timers:
/// the search is sent at 0, 0.5 and 1.5 s and given up at 3 s; an exchange has 5 s.
class UpnpClient {
 public:
  UpnpClient(const Router& router, std::string description) : router_(router), description_(std::move(description)) {}

  /// Searches for the gateway, or asks one that is known for its address: Found or NotFound. No effect while one runs.
  void probe(Time now);
  /// Granted or Refused. By AddAnyPortMapping where there is one, else by AddPortMapping at `suggested_port`, or at the
  /// next of a few higher ones if that is taken.
  void map(Time now, const Wish& wish, std::uint16_t suggested_port, Duration lifetime);
  void unmap(Time now, const Wish& wish, std::uint16_t external_port);

  void handle_datagram(Time now, const Endpoint& from, ByteView datagram);
  void handle_http_data(Time now, std::uint32_t id, ByteView bytes);
  void handle_http_closed(Time now, std::uint32_t id);
  void handle_timeout(Time now);
  std::optional<Datagram> poll_transmit();
  std::optional<HttpExchange> poll_http();
  std::optional<std::uint32_t> poll_http_done();
  std::optional<ClientEvent> poll_event();
  std::optional<Time> next_deadline() const { return deadlines_.earliest(); }

 private:
  enum class Timer : std::uint8_t { search, exchange, count_ };
  struct Describe {};
  struct AskAddress {};
  struct Add {
    Wish wish;
    std::uint16_t port = 0;
    std::uint32_t lifetime_s = 0;
    int attempts = 0;
  };
  struct Delete {
    Wish wish;
    std::uint16_t port = 0;
  };
  using Job = std::variant<Describe, AskAddress, Add, Delete>;

  void push(Time now, Job job);
  void start(Time now);
  Bytes request_of(const Job& job) const;
  void finish(Time now, const std::optional<http::Response>& response);
  void described(Time now, const std::optional<http::Response>& response);
  void told_address(const std::optional<http::Response>& response);
  void added(Time now, Add add, const std::optional<http::Response>& response);
  const char* action_of(const Add& add) const;

  Router router_;
  std::string description_;
  Deadlines<Timer> deadlines_;
  int searches_ = 0;
  std::optional<HttpUrl> location_;
  std::optional<IgdService> service_;
  std::optional<IpAddress> external_;
  Queue<Job> jobs_;
  std::uint32_t last_id_ = 0;
  bool running_ = false;
  http::ResponseParser parser_;
  Queue<Datagram> out_;
  Queue<HttpExchange> http_;
  Queue<std::uint32_t> done_;
  Queue<ClientEvent> events_;
};

}  // namespace weft::portmap
