// SPDX-License-Identifier: GPL-2.0-only
#include "sim/ns3/tools.h"

#include <ns3/animation-interface.h>
#include <ns3/flow-monitor-helper.h>
#include <ns3/flow-monitor.h>
#include <ns3/internet-stack-helper.h>
#include <ns3/ipv4.h>
#include <ns3/net-device-container.h>
#include <ns3/node-container.h>
#include <ns3/output-stream-wrapper.h>
#include <ns3/point-to-point-helper.h>
#include <ns3/trace-helper.h>

#include <cmath>
#include <map>
#include <numbers>

namespace weft::stack {
namespace {

constexpr double kMiddle = 100, kRadius = 60, kStep = 12;  // of NetAnim's picture

}  // namespace

struct Tools::Running {
  ns3::InternetStackHelper stack;
  ns3::Ptr<ns3::OutputStreamWrapper> ascii;
  ns3::FlowMonitorHelper flow_helper;
  ns3::Ptr<ns3::FlowMonitor> flow_monitor;
  std::unique_ptr<ns3::AnimationInterface> animation;
};

Tools::Tools(sim::Ns3Options options) : options_(std::move(options)) {}

Tools::~Tools() = default;

void Tools::add_device(ns3::Ptr<ns3::Node> node, ns3::Ptr<ns3::NetDevice> device) {
  if (!running_) return;
  const auto ipv4 = node->GetObject<ns3::Ipv4>();
  const auto interface = static_cast<std::uint32_t>(ipv4->GetInterfaceForDevice(device));
  if (!options_.pcap.empty()) running_->stack.EnablePcapIpv4(options_.pcap, ipv4, interface);
  if (running_->ascii) running_->stack.EnableAsciiIpv4(running_->ascii, ipv4, interface);
}

void Tools::finish() {
  if (running_ && running_->flow_monitor) {
    running_->flow_monitor->CheckForLostPackets();
    running_->flow_monitor->SerializeToXmlFile(options_.flow_monitor, true, true);
  }
  running_.reset();
  items_.clear();
}

void Tools::add_host(ns3::Ptr<ns3::Node> node, const std::string& name, sim::PlaceId place) {
  if (wanted()) items_.push_back({Item::Kind::host, node, name, place});
}

void Tools::add_gateway(ns3::Ptr<ns3::Node> node, const std::string& name, sim::PlaceId place) {
  if (wanted()) items_.push_back({Item::Kind::gateway, node, name, place});
}

void Tools::add_exchange(ns3::Ptr<ns3::Node> node, sim::PlaceId place) {
  if (wanted()) items_.push_back({Item::Kind::exchange, node, place == sim::kInternet ? "Internet" : "", place});
}

/// The Internet in the middle, what is attached to it around, and what is behind a gateway outwards from it.
void Tools::lay_out() const {
  std::map<sim::PlaceId, double> angles;  // of the way to the middle of each realm
  std::map<sim::PlaceId, double> radii;
  std::map<sim::PlaceId, int> rank;
  std::size_t around = 0, seen = 0;
  for (const Item& item : items_) around += item.place == sim::kInternet && item.kind != Item::Kind::exchange;
  double angle = 0, radius = 0;  // of the last gateway
  for (const Item& item : items_) {
    double at = 0, distance = 0;
    if (item.kind == Item::Kind::exchange) {
      at = angles[item.place] = item.place == sim::kInternet ? 0 : angle;
      distance = radii[item.place] = item.place == sim::kInternet ? 0 : radius + kStep / 2;
    } else if (item.place == sim::kInternet) {
      at = 2 * std::numbers::pi * static_cast<double>(seen++) / static_cast<double>(around);
      distance = kRadius;
    } else {
      at = angles[item.place] + 0.08 * rank[item.place]++;
      distance = radii[item.place] + kStep;
    }
    if (item.kind == Item::Kind::gateway) {
      angle = at;
      radius = distance;
    }
    ns3::AnimationInterface::SetConstantPosition(item.node, kMiddle + distance * std::cos(at),
                                                 kMiddle + distance * std::sin(at));
  }
}

void Tools::begin() {
  if (!wanted() || running_) return;
  running_ = std::make_unique<Running>();
  ns3::NodeContainer hosts;
  ns3::NetDeviceContainer gateway_devices;
  for (const Item& item : items_) {
    if (item.kind == Item::Kind::host) hosts.Add(item.node);
    if (item.kind != Item::Kind::gateway) continue;
    for (std::uint32_t i = 0; i < item.node->GetNDevices(); ++i) gateway_devices.Add(item.node->GetDevice(i));
  }
  if (!options_.pcap.empty()) {
    running_->stack.EnablePcapIpv4(options_.pcap, hosts);
    ns3::PointToPointHelper().EnablePcap(options_.pcap, gateway_devices);
  }
  if (!options_.ascii.empty()) {
    running_->ascii = ns3::AsciiTraceHelper().CreateFileStream(options_.ascii);
    running_->stack.EnableAsciiIpv4(running_->ascii, hosts);
    ns3::PointToPointHelper().EnableAscii(running_->ascii, gateway_devices);
  }
  if (monitors_flows()) running_->flow_monitor = running_->flow_helper.Install(hosts);
  if (options_.netanim.empty()) return;
  lay_out();
  running_->animation = std::make_unique<ns3::AnimationInterface>(options_.netanim);
  running_->animation->SetMaxPktsPerTraceFile(UINT64_MAX);
  for (const Item& item : items_) running_->animation->UpdateNodeDescription(item.node, item.name);
}

}  // namespace weft::stack
