// SPDX-License-Identifier: GPL-2.0-only
#include "sim/kernel/datagram_flow.h"

#include <algorithm>

#include "sim/kernel/clock.h"
#include "sim/traffic/canary.h"

namespace weft::kernel {
namespace {

Result<std::unique_ptr<io::UdpSocket>> open(io::Host& host, const NetNamespace& space, IpFamily family,
                                            std::uint16_t port) {
  const Inside inside(space);
  return host.open_udp({.local = {IpAddress::any(family), port}});
}

}  // namespace

Result<std::unique_ptr<DatagramFlow>> DatagramFlow::start(const FlowEnds& ends, const sim::FlowPlan& plan,
                                                          std::uint16_t port) {
  std::unique_ptr<DatagramFlow> flow(new DatagramFlow(ends, plan, port));
  const IpFamily family = plan.destination.family();
  auto server = open(ends.host, ends.to, family, port), client = open(ends.host, ends.from, family, 0);
  if (!server) return std::unexpected(server.error());
  if (!client) return std::unexpected(client.error());
  flow->server_ = std::move(*server);
  flow->client_ = std::move(*client);
  flow->server_->start_receive([raw = flow.get()](std::span<DatagramSlot> items) { raw->serve(items); });
  flow->client_->start_receive([raw = flow.get()](std::span<DatagramSlot> items) { raw->note_all(items); });
  return flow;
}

DatagramFlow::DatagramFlow(const FlowEnds& ends, const sim::FlowPlan& plan, std::uint16_t port)
    : ends_(ends),
      plan_(plan),
      port_(port),
      arena_(kSlotHeadRoom + plan.packet + kSlotTailRoom),
      timer_(ends.host.make_timer([this] { send_due(); })) {
  const Bytes payload =
      traffic::make_payload(port, 0, std::max<std::size_t>(plan.packet, traffic::kCanary.size() + 16));
  std::ranges::copy(ByteView(payload).first(plan.packet), arena_.begin() + kSlotHeadRoom);
  timer_->arm(due(0));
}

DatagramFlow::~DatagramFlow() = default;

/// udp_echo: one after the other. on_off: each when its last bit is due, as in ns-3, with the silences between.
Time DatagramFlow::due(std::uint64_t number) const {
  if (echoes()) return plan_.start + static_cast<std::int64_t>(number) * plan_.interval;
  const double bits = 8.0 * plan_.packet * static_cast<double>(number + 1);
  const auto sending = static_cast<std::int64_t>(bits / static_cast<double>(plan_.rate_bps) * 1e9);
  const std::int64_t silences = plan_.on.count() > 0 ? (sending - 1) / plan_.on.count() : 0;
  return plan_.start + Duration(sending + silences * plan_.off.count());
}

bool DatagramFlow::finished(Time now) const {
  if (plan_.stop && now >= *plan_.stop) return true;
  if (echoes()) return sent_ >= plan_.count;
  return plan_.bytes > 0 && sent_ * plan_.packet >= plan_.bytes;
}

void DatagramFlow::send_due() {
  const Time at = now();
  while (!finished(at) && due(sent_) <= at) send();
  if (!finished(at)) timer_->arm(due(sent_));
}

void DatagramFlow::send() {
  DatagramSlot item;
  item.slot = {.arena = arena_.data(),
               .capacity = static_cast<std::uint32_t>(arena_.size()),
               .offset = kSlotHeadRoom,
               .length = plan_.packet};
  item.meta.destination = {plan_.destination, port_};
  client_->send({&item, 1});  // what the kernel does not take is lost, as in a queue
  ++sent_;
}

void DatagramFlow::serve(std::span<DatagramSlot> items) {
  if (!echoes()) return note_all(items);
  for (DatagramSlot& item : items) {
    if (item.meta.icmp) continue;
    item.meta = {.source = {}, .destination = item.meta.source, .segment_size = item.meta.segment_size};
    server_->send({&item, 1});
  }
}

void DatagramFlow::note_all(std::span<DatagramSlot> items) {
  for (const DatagramSlot& item : items) {
    if (item.meta.icmp) continue;
    const std::uint32_t size = item.slot.length, each = item.meta.segment_size > 0 ? item.meta.segment_size : size;
    for (std::uint32_t at = 0; at < size; at += each) note(sample_, std::min(each, size - at), now());
  }
}

}  // namespace weft::kernel
