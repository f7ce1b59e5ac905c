// SPDX-License-Identifier: GPL-2.0-only
#include "sim/ns3/nat_router/nat_router.h"

#include <ns3/abort.h>
#include <ns3/boolean.h>
#include <ns3/enum.h>
#include <ns3/rng-seed-manager.h>
#include <ns3/simulator.h>
#include <ns3/string.h>
#include <ns3/trace-source-accessor.h>
#include <ns3/uinteger.h>

#include <algorithm>
#include <utility>

#include "sim/nat/model.h"
#include "sim/ns3/nat_router/packet_bytes.h"

namespace weft::stack {
namespace {

constexpr std::uint16_t kEtherIpv4 = 0x0800, kEtherIpv6 = 0x86DD;

template <typename Enum>
int number(Enum value) {
  return static_cast<int>(value);
}

Duration from_ns3(const ns3::Time& time) { return Duration{time.GetNanoSeconds()}; }
Time now() { return Time{from_ns3(ns3::Simulator::Now())}; }

/// The three values that mapping and filtering share.
template <typename Enum>
ns3::Ptr<const ns3::AttributeChecker> rule_checker() {
  return ns3::MakeEnumChecker(number(Enum::endpoint_independent), "EndpointIndependent",
                              number(Enum::address_dependent), "AddressDependent",
                              number(Enum::address_and_port_dependent), "AddressAndPortDependent");
}

}  // namespace

/// The first copy of this code in a process registers the type (a program and the module of ns-3 nodes may both have
/// it).
ns3::TypeId NatRouter::GetTypeId() {
  using nat::Allocation, nat::Filtering, nat::Hairpinning, nat::Mapping, nat::Refusal;
  static const ns3::TypeId id = [] {
    ns3::TypeId known;
    if (ns3::TypeId::LookupByNameFailSafe("weft::NatRouter", &known)) return known;
    return ns3::TypeId("weft::NatRouter")
        .SetParent<ns3::Object>()
        .SetGroupName("Nat")
        .AddConstructor<NatRouter>()
        .AddAttribute("Model",
                      "A file of nat-models/ that describes the NAT; if set, the axes below are not looked at.",
                      ns3::StringValue(""), ns3::MakeStringAccessor(&NatRouter::model_), ns3::MakeStringChecker())
        .AddAttribute("Mapping", "When an internal endpoint keeps its external endpoint (RFC 4787 section 4.1).",
                      ns3::EnumValue(number(Mapping::endpoint_independent)),
                      ns3::MakeEnumAccessor(&NatRouter::mapping_), rule_checker<Mapping>())
        .AddAttribute("Filtering", "From whom an external endpoint accepts packets (RFC 4787 section 5).",
                      ns3::EnumValue(number(Filtering::address_and_port_dependent)),
                      ns3::MakeEnumAccessor(&NatRouter::filtering_), rule_checker<Filtering>())
        .AddAttribute("Allocation", "How an external port is chosen (RFC 4787 section 4.2.1).",
                      ns3::EnumValue(number(Allocation::preserve)), ns3::MakeEnumAccessor(&NatRouter::allocation_),
                      ns3::MakeEnumChecker(number(Allocation::preserve), "Preserve", number(Allocation::sequential),
                                           "Sequential", number(Allocation::random), "Random"))
        .AddAttribute("Hairpinning", "What becomes of packets from inside to its own external endpoints (section 6).",
                      ns3::EnumValue(number(Hairpinning::none)), ns3::MakeEnumAccessor(&NatRouter::hairpinning_),
                      ns3::MakeEnumChecker(number(Hairpinning::none), "None", number(Hairpinning::internal_source),
                                           "InternalSource", number(Hairpinning::external_source), "ExternalSource"))
        .AddAttribute("Refusal", "How an inbound packet that is not admitted is answered.",
                      ns3::EnumValue(number(Refusal::silent)), ns3::MakeEnumAccessor(&NatRouter::refusal_),
                      ns3::MakeEnumChecker(number(Refusal::silent), "Silent", number(Refusal::icmp), "Icmp",
                                           number(Refusal::reset), "Reset"))
        .AddAttribute("UdpTimeout", "Life of a UDP mapping that has been answered (RFC 4787 section 4.3).",
                      ns3::TimeValue(ns3::Seconds(120)), ns3::MakeTimeAccessor(&NatRouter::udp_replied_),
                      ns3::MakeTimeChecker(ns3::NanoSeconds(1)))
        .AddAttribute("UdpUnrepliedTimeout", "Life of a UDP mapping of which only one direction has been seen.",
                      ns3::TimeValue(ns3::Seconds(30)), ns3::MakeTimeAccessor(&NatRouter::udp_unreplied_),
                      ns3::MakeTimeChecker(ns3::NanoSeconds(1)))
        .AddAttribute("TcpTimeout", "Life of an established TCP connection (RFC 5382 REQ-5).",
                      ns3::TimeValue(ns3::Seconds(7440)), ns3::MakeTimeAccessor(&NatRouter::tcp_established_),
                      ns3::MakeTimeChecker(ns3::NanoSeconds(1)))
        .AddAttribute("MappingsPerSubscriber", "Most mappings of one internal address; 0: no limit.",
                      ns3::UintegerValue(0), ns3::MakeUintegerAccessor(&NatRouter::subscriber_limit_),
                      ns3::MakeUintegerChecker<std::uint32_t>())
        .AddTraceSource("Translate", "A packet has been let through; packets are with IP headers.",
                        ns3::MakeTraceSourceAccessor(&NatRouter::translate_trace_),
                        "weft::NatRouter::TranslateTracedCallback")
        .AddTraceSource("Drop", "A packet has been dropped, and why.",
                        ns3::MakeTraceSourceAccessor(&NatRouter::drop_trace_), "weft::NatRouter::DropTracedCallback")
        .AddTraceSource("Mappings", "How many mappings there are, after each packet.",
                        ns3::MakeTraceSourceAccessor(&NatRouter::mappings_), "ns3::TracedValueCallback::Uint32");
  }();
  return id;
}

NatRouter::NatRouter() : random_(std::make_unique<SeededRandom>(1, "nat")) {}
NatRouter::~NatRouter() = default;

void NatRouter::DoDispose() {
  wake_.Cancel();
  inside_ = outside_ = nullptr;
  nat_.reset();
  ns3::Object::DoDispose();
}

void NatRouter::Connect(ns3::Ptr<ns3::NetDevice> inside, ns3::Ptr<ns3::NetDevice> outside) {
  NS_ABORT_MSG_IF(inside_, "NatRouter: Connect is called once");
  NS_ABORT_MSG_IF(inside->NeedsArp() || outside->NeedsArp(),
                  "NatRouter: its devices are without ARP; use point-to-point devices");
  inside_ = inside;
  outside_ = outside;
  const auto node = inside->GetNode();
  for (const std::uint16_t protocol : {kEtherIpv4, kEtherIpv6}) {
    for (const auto& device : {inside, outside}) {
      node->RegisterProtocolHandler(ns3::MakeCallback(&NatRouter::Receive, this), protocol, device);
    }
  }
  node->AggregateObject(this);
}

void NatRouter::AddExternalAddress(ns3::Ipv4Address address) { AddExternalAddress(IpAddress::v4(address.Get())); }

void NatRouter::AddExternalAddress(ns3::Ipv6Address address) {
  std::array<std::uint8_t, 16> bytes{};
  address.GetBytes(bytes.data());
  AddExternalAddress(IpAddress::v6(bytes));
}

void NatRouter::AddExternalAddress(const IpAddress& address) {
  external_.push_back(address);
  nat_.reset();
}

void NatRouter::SetInsideAddress(ns3::Ipv4Address address) { SetInsideAddress(IpAddress::v4(address.Get())); }

void NatRouter::SetInsideAddress(const IpAddress& address) {
  inside_address_ = address;
  if (nat_ && !address.is_unspecified()) nat_->set_inside_address(address);
}

void NatRouter::SetBehavior(const nat::Behavior& behavior) {
  described_elsewhere_ = true;
  behavior_ = behavior;
  Restart();
}

void NatRouter::Restart() { nat_.reset(); }

void NatRouter::Restart(std::vector<IpAddress> external) {
  external_ = std::move(external);
  Restart();
}

std::int64_t NatRouter::AssignStreams(std::int64_t stream) {
  const std::uint64_t seed = std::uint64_t{ns3::RngSeedManager::GetSeed()} << 32 ^ ns3::RngSeedManager::GetRun();
  SetRandomStream(seed, "ns3/" + std::to_string(stream));
  return 1;
}

void NatRouter::SetRandomStream(std::uint64_t seed, const std::string& name) {
  nat_.reset();  // it draws from the old one
  random_ = std::make_unique<SeededRandom>(seed, name);
}

nat::Behavior NatRouter::Described() const {
  if (described_elsewhere_) return behavior_;
  if (!model_.empty()) {
    auto model = nat::load_model(model_);
    NS_ABORT_MSG_UNLESS(model, "NatRouter: " + model.error().message);
    return *model;
  }
  nat::Behavior behavior;
  behavior.mapping = static_cast<nat::Mapping>(mapping_);
  behavior.filtering = static_cast<nat::Filtering>(filtering_);
  behavior.ports.allocation = static_cast<nat::Allocation>(allocation_);
  behavior.hairpinning = static_cast<nat::Hairpinning>(hairpinning_);
  behavior.refusal = static_cast<nat::Refusal>(refusal_);
  behavior.mappings_per_subscriber = subscriber_limit_;
  behavior.lifetimes.udp_replied = from_ns3(udp_replied_);
  behavior.lifetimes.udp_unreplied = from_ns3(udp_unreplied_);
  behavior.lifetimes.tcp_established = from_ns3(tcp_established_);
  return behavior;
}

nat::Nat& NatRouter::GetNat() {
  if (nat_) return *nat_;
  const nat::Behavior behavior = Described();
  NS_ABORT_MSG_IF(behavior.translation == nat::Translation::nat && external_.empty(),
                  "NatRouter: a NAT has an external address; call AddExternalAddress");
  nat_ = std::make_unique<nat::Nat>(behavior, external_, *random_);
  if (!inside_address_.is_unspecified()) nat_->set_inside_address(inside_address_);
  return *nat_;
}

bool NatRouter::Translates(IpFamily family) {
  return GetNat().behavior().translation == nat::Translation::nat &&
         std::ranges::find(external_, family, &IpAddress::family) != external_.end();
}

void NatRouter::Receive(ns3::Ptr<ns3::NetDevice> device, ns3::Ptr<const ns3::Packet> packet, std::uint16_t,
                        const ns3::Address&, const ns3::Address&, ns3::NetDevice::PacketType) {
  Bytes bytes = bytes_of(*packet);
  const bool from_inside = device == inside_;
  nat::Nat& nat = GetNat();
  auto outcome = nat.translate(now(), from_inside ? nat::Side::inside : nat::Side::outside, bytes);
  mappings_ = static_cast<std::uint32_t>(nat.mapping_count(now()));
  if (outcome.action == nat::Outcome::Action::drop) {
    drop_trace_(packet, std::string(to_string(outcome.reason)), from_inside);
  }
  if (outcome.forwarded() && outcome.packets.empty()) outcome.packets.push_back(std::move(bytes));
  for (const Bytes& translated : outcome.packets) {
    auto after = make_packet(translated);
    carry_tags(*packet, after);
    translate_trace_(packet, after, from_inside);
    Send(outcome.action == nat::Outcome::Action::forward_out ? outside_ : inside_, after);
  }
  Wake();
  if (!outcome.reply) return;
  auto reply = make_packet(*outcome.reply);
  carry_tags(*packet, reply, Tags::cause);
  Send(device, reply);
}

void NatRouter::Wake() {
  const auto due = nat_ ? nat_->next_deadline() : std::nullopt;
  if (!due || wake_.IsRunning()) return;
  const Duration wait = std::max(*due - now(), Duration{0});
  wake_ = ns3::Simulator::Schedule(ns3::NanoSeconds(wait.count()), &NatRouter::SendDue, this);
}

void NatRouter::SendDue() {
  while (auto bytes = nat_ ? nat_->poll_transmit(now()) : std::nullopt) Send(outside_, make_packet(*bytes));
  Wake();
}

void NatRouter::Send(ns3::Ptr<ns3::NetDevice> device, ns3::Ptr<ns3::Packet> packet) {
  std::uint8_t version = 0;
  packet->CopyData(&version, 1);
  device->Send(packet, device->GetBroadcast(), version >> 4 == 6 ? kEtherIpv6 : kEtherIpv4);
}

}  // namespace weft::stack
