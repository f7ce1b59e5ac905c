// SPDX-License-Identifier: GPL-2.0-only
// Random traces of TCP, ICMP echoes and ICMP errors through the engine and through the netfilter of this kernel: the
// same packets must pass, and what passes must be the same to the byte, up to ports that both chose at random.
//
// A trace is made of its number alone: 32 packets of connections, echoes and errors about both between two internal and
// two remote hosts, each trace with addresses of its own. TCP follows the order of its states where netfilter judges
// (a segment that conntrack calls invalid passes untranslated there); windows are not looked at (tcp_be_liberal).
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "sim/nat/model.h"
#include "tests/differential/netfilter/kernels_choice.h"
#include "tests/differential/netfilter/packet_gateway.h"
#include "tests/differential/netfilter/trace_numbers.h"
#include "tests/support/nat_lab.h"

namespace weft::nat {
namespace {

using test::KernelsChoice;
using test::PacketGateway;

constexpr std::uint8_t kPush = 0x08;
const IpAddress kExternal = ip("203.0.113.1");

/// A connection or an echo as the inside sees it.
struct Flow {
  Protocol protocol = Protocol::tcp;
  Endpoint internal, remote;
  Endpoint external;  // as the outside sees the inside
  enum class State { fresh, syn_sent, syn_received, open, closing, reset } state = State::fresh;
  bool fin_out = false, fin_in = false;
  bool lingers = false;     // in TIME-WAIT: an acknowledgement has followed both FINs
  Bytes last_out, last_in;  // as it is outside of the gateway, and inside
};

/// With numbers: conntrack gives a connection whose bytes are not acknowledged less time.
Bytes numbered(const Endpoint& from, const Endpoint& to, std::uint8_t flags, std::uint32_t sequence,
               std::uint32_t acknowledged) {
  Writer writer;
  writer.u16be(from.port).u16be(to.port).u32be(sequence).u32be(acknowledged).u8(0x50).u8(flags).u16be(8192).u32be(0);
  if (flags & kPush) writer.bytes(as_bytes("data"));
  return ip_packet(from.address, to.address, 6, writer.take(), 16);
}

/// A segment that acknowledges the other side's SYN, by which conntrack knows a closed connection that opens again.
Bytes segment(const Endpoint& from, const Endpoint& to, std::uint8_t flags) {
  return numbered(from, to, flags, flags & kTcpSyn ? 1000 : 1001, flags & kTcpAck ? 1001 : 0);
}

class PacketTrace {
 public:
  PacketTrace(const Behavior& behavior, PacketGateway& kernel, std::uint64_t number)
      : kernel_(kernel),
        choice_(behavior.ports),
        model_(behavior, {kExternal}, choice_),
        random_(number, "packets"),
        inside_(0x0A010000u + static_cast<std::uint32_t>(number % 60000) * 4 + 1),
        outside_(0xAC100000u + static_cast<std::uint32_t>(number % 200000) * 4 + 1) {
    for (std::uint32_t host = 0; host < 2; ++host) {
      for (std::uint16_t port = 0; port < 2; ++port) {
        for (std::uint32_t server = 0; server < 2; ++server) {
          const IpAddress near = IpAddress::v4(inside_ + host), far = IpAddress::v4(outside_ + server);
          const auto local = static_cast<std::uint16_t>(5000 + port);
          flows_.push_back({.internal = {near, local}, .remote = {far, 443}});
          flows_.push_back({.protocol = Protocol::icmp, .internal = {near, local}, .remote = {far, 0}});
        }
      }
    }
  }

  void run() {
    for (int step = 0; step < 32 && !ended_ && !testing::Test::HasFailure(); ++step) {
      SCOPED_TRACE("step " + std::to_string(step));
      Flow& flow = flows_[random_.below(flows_.size())];
      const std::uint64_t kind = random_.below(8);
      if (kind == 0) {
        stranger(flow);
      } else if (kind == 1) {
        error_from_outside(flow);
      } else if (kind == 2) {
        error_from_inside(flow);
      } else if (flow.protocol == Protocol::icmp) {
        ping(flow);
      } else {
        converse(flow);
      }
    }
  }

 private:
  static std::string shown(ByteView packet) { return to_hex(packet); }

  /// From inside; both must let it through, equal to the byte.
  void out(Flow& flow, const Bytes& packet) {
    const auto seen = kernel_.send_out(packet);
    ASSERT_TRUE(seen) << "the kernel drops " << shown(packet);
    Bytes theirs = *seen;
    const auto parsed = parse_packet(theirs);
    if (parsed && parsed->icmp != IcmpKind::error) {
      ended_ = parsed->source.port < 1024;
      if (ended_) return;
      choice_.set(parsed->source.port);
      flow.external = parsed->source;
    }
    Bytes ours = packet;
    const Outcome outcome = model_.translate(at(1s), Side::inside, ours);
    ASSERT_EQ(outcome.action, Outcome::Action::forward_out) << to_string(outcome.reason) << " " << shown(packet);
    EXPECT_EQ(shown(ours), shown(theirs));
    if (!parsed || parsed->icmp != IcmpKind::error) flow.last_out = std::move(theirs);
  }

  /// From outside: the same verdict, and the same bytes.
  void in(Flow& flow, const Bytes& packet) {
    Bytes ours = packet;
    const Outcome outcome = model_.translate(at(1s), Side::outside, ours);
    const auto seen = kernel_.send_in(packet);
    ASSERT_EQ(seen.has_value(), outcome.forwarded()) << to_string(outcome.reason) << " " << shown(packet);
    if (!seen) return;
    EXPECT_EQ(shown(ours), shown(*seen));
    const auto parsed = parse_packet(ours);
    if (parsed && parsed->icmp != IcmpKind::error) flow.last_in = *seen;
  }

  void ping(Flow& flow) {
    if (flow.state == Flow::State::fresh || random_.chance(1, 2)) {
      out(flow, echo(flow.internal.address, flow.remote.address, true, flow.internal.port));
      flow.state = Flow::State::open;
    } else {
      in(flow, echo(flow.remote.address, kExternal, false, flow.external.port));
    }
  }

  /// A step that TCP may take in this state.
  void converse(Flow& flow) {
    using State = Flow::State;
    const auto out_with = [&](std::uint8_t flags) { out(flow, segment(flow.internal, flow.remote, flags)); };
    const auto in_with = [&](std::uint8_t flags) { in(flow, segment(flow.remote, flow.external, flags)); };
    const std::uint64_t draw = random_.below(8);
    switch (flow.state) {
      case State::reset:
        if (draw == 0) return in_with(kTcpSyn);
        [[fallthrough]];
      case State::fresh:
        return open(flow);
      case State::syn_sent:
        if (draw == 0) return out_with(kTcpSyn);
        in_with(kTcpSyn | kTcpAck);
        flow.state = State::syn_received;
        return;
      case State::syn_received:
        if (draw == 0) return in_with(kTcpSyn | kTcpAck);
        out_with(kTcpAck);
        flow.state = State::open;
        return;
      case State::closing:
        if (draw == 7) return open(flow);
        if (draw == 6) return opened_by_the_peer(flow);
        break;
      case State::open:
        break;
    }
    if (draw == 0) {
      random_.chance(1, 2) ? out_with(kTcpRst | kTcpAck) : in_with(kTcpRst | kTcpAck);
      flow.state = State::reset;
    } else if (draw == 1 && !flow.fin_out) {
      out_with(kTcpFin | kTcpAck);
      flow.fin_out = true;
    } else if (draw == 2 && !flow.fin_in) {
      in_with(kTcpFin | kTcpAck);
      flow.fin_in = true;
    } else if (draw % 2 == 1) {
      out_with(flow.fin_out ? kTcpAck : kTcpAck | kPush);
    } else {
      in_with(flow.fin_in ? kTcpAck : kTcpAck | kPush);
    }
    if (flow.state == State::reset) return;
    flow.lingers = flow.state == State::closing;
    if (flow.fin_out && flow.fin_in) flow.state = State::closing;
  }

  /// The first SYN of a connection, or that of one that was closed.
  void open(Flow& flow) {
    out(flow, segment(flow.internal, flow.remote, kTcpSyn));
    flow.state = Flow::State::syn_sent;
    flow.fin_out = flow.fin_in = flow.lingers = false;
  }

  /// A SYN from outside, which nothing lets in: in TIME-WAIT it still ends the connection that was.
  void opened_by_the_peer(Flow& flow) {
    in(flow, segment(flow.remote, flow.external, kTcpSyn));
    if (!flow.lingers) return;
    flow.state = Flow::State::fresh;
    flow.external = {};
    flow.last_out.clear();
    flow.last_in.clear();
  }

  /// Somebody that the flow knows nothing of sends to its external endpoint.
  void stranger(Flow& flow) {
    if (flow.external.port == 0) return;
    const Endpoint from{IpAddress::v4(outside_ + 3), 443};
    if (flow.protocol == Protocol::icmp) {
      in(flow, echo(from.address, kExternal, false, flow.external.port));
    } else {
      in(flow, segment(from, flow.external, random_.chance(1, 2) ? kTcpSyn : kTcpSyn | kTcpAck));
    }
  }

  /// A router outside, or the far end, says that what the flow sent last did not arrive.
  void error_from_outside(Flow& flow) {
    if (flow.last_out.empty()) return;
    const bool router = random_.chance(1, 2);
    const IpAddress from = router ? IpAddress::v4(outside_ + 2) : flow.remote.address;
    const std::size_t quoted = random_.chance(1, 2) ? 28 : flow.last_out.size();
    in(flow, icmp_error(from, kExternal, router ? 11 : 3, router ? 0 : 1, ByteView(flow.last_out).first(quoted)));
  }

  /// The inside says that what came last did not arrive.
  void error_from_inside(Flow& flow) {
    if (flow.last_in.empty()) return;
    const Bytes quoted = flow.last_in;
    out(flow, icmp_error(flow.internal.address, flow.remote.address, 3, 1, quoted));
  }

  PacketGateway& kernel_;
  KernelsChoice choice_;
  Nat model_;
  SeededRandom random_;
  std::uint32_t inside_, outside_;
  std::vector<Flow> flows_;
  bool ended_ = false;  // the kernel drew an identifier below the model's range, where it draws from all
};

/// linux-masquerade, and a kernel with its rules; nullopt after a sentence.
std::optional<Behavior> masquerade() {
  auto behavior = load_model(WEFT_SOURCE_DIR "/nat-models/linux-masquerade.json");
  EXPECT_TRUE(behavior) << behavior.error().message;
  return behavior ? std::optional(*behavior) : std::nullopt;
}

TEST(NetfilterPackets, TcpAndIcmpAreTheSameToTheByte) {
  const auto behavior = masquerade();
  ASSERT_TRUE(behavior);
  PacketGateway kernel;
  if (!kernel.ready()) GTEST_SKIP() << "NOT RUN: needs root, network namespaces, nft and conntrack";
  test::for_each_trace([&](std::uint64_t number) {
    PacketTrace(*behavior, kernel, number).run();
    if (number % 500 == 0) kernel.flush();
  });
}

/// What is sent, outwards or inwards, until a flow is in a certain state.
struct Conversation {
  const char* state;
  const char* protocol;
  std::vector<std::pair<Side, std::uint8_t>> packets;  // TCP flags
};

/// conntrack's seconds for a flow in each state that the model has a lifetime for, against how long the engine keeps
/// it. (SYN_RECV, CLOSE_WAIT and LAST_ACK, which last for a round trip, have none: docs/models.md.)
TEST(NetfilterPackets, LifetimesAreConntracks) {
  const auto behavior = masquerade();
  ASSERT_TRUE(behavior);
  PacketGateway kernel;
  if (!kernel.ready()) GTEST_SKIP() << "NOT RUN: needs root, network namespaces, nft and conntrack";
  const auto out = Side::inside, in = Side::outside;
  const std::vector<std::pair<Side, std::uint8_t>> open{{out, kTcpSyn}, {in, kTcpSyn | kTcpAck}, {out, kTcpAck}};
  const auto then = [&](std::vector<std::pair<Side, std::uint8_t>> more) {
    more.insert(more.begin(), open.begin(), open.end());
    return more;
  };
  const std::uint8_t fin = kTcpFin | kTcpAck;
  const std::vector<Conversation> conversations{
      {"SYN_SENT", "tcp", {{out, kTcpSyn}}},
      {"ESTABLISHED", "tcp", open},
      {"FIN_WAIT", "tcp", then({{out, fin}})},
      {"TIME_WAIT", "tcp", then({{out, fin}, {in, kTcpAck}, {in, fin}, {out, kTcpAck}})},
      {"CLOSE by the inside", "tcp", then({{out, kTcpRst | kTcpAck}})},
      {"CLOSE by the outside", "tcp", then({{in, kTcpRst | kTcpAck}})},
      {"unreplied", "udp", {{out, 0}}},
      {"replied, young", "udp", {{out, 0}, {in, 0}}},
      {"echo", "icmp", {{out, 0}}},
      {"echo and reply", "icmp", {{out, 0}, {in, 0}}},
  };
  std::uint32_t number = 0;
  for (const Conversation& conversation : conversations) {
    SCOPED_TRACE(std::string(conversation.protocol) + " " + conversation.state);
    const bool icmp = conversation.protocol == std::string_view("icmp");
    const bool is_tcp = conversation.protocol == std::string_view("tcp");
    const Endpoint near{IpAddress::v4(0x0A020001u + number), 5000};
    const Endpoint far{IpAddress::v4(0xAC120001u + number++), static_cast<std::uint16_t>(icmp ? 0 : 443)};
    const Endpoint external{kExternal, near.port};
    SeededRandom random(1, "lifetimes");
    Nat model(*behavior, {kExternal}, random);
    std::uint32_t next[2] = {1000, 5000};  // of the inside, of the outside
    for (const auto& [side, flags] : conversation.packets) {
      const Endpoint &from = side == out ? near : far, &to = side == out ? far : external;
      std::uint32_t& sequence = next[side == out ? 0 : 1];
      const std::uint32_t acknowledged = flags & kTcpAck ? next[side == out ? 1 : 0] : 0;
      Bytes packet = icmp     ? echo(from.address, to.address, side == out, near.port)
                     : is_tcp ? numbered(from, to, flags, sequence, acknowledged)
                              : udp(from, to);
      sequence += (flags & (kTcpSyn | kTcpFin)) != 0 ? 1 : 0;
      ASSERT_TRUE(side == out ? kernel.send_out(packet) : kernel.send_in(packet));
      ASSERT_TRUE(model.translate(at(1s), side, packet).forwarded());
    }
    const auto left = kernel.seconds_left(conversation.protocol, near, far);
    ASSERT_TRUE(left);
    const Time end = at(1s + std::chrono::seconds(*left));
    EXPECT_EQ(model.mapping_count(end - 3s), 1u) << "conntrack gives it " << *left << " s more";
    EXPECT_EQ(model.mapping_count(end + 4s), 0u) << "conntrack gives it " << *left << " s more";
  }
}

}  // namespace
}  // namespace weft::nat
