// SPDX-License-Identifier: GPL-2.0-only
#include "sim/kernel/nftables_nat.h"

#include <optional>

namespace weft::kernel {
namespace {

using nat::Behavior;

constexpr std::uint16_t kKernelLow = 1024, kKernelHigh = 65535;
constexpr Duration kStreamAfter = 2s;  // nf_conntrack_proto_udp.c since Linux 5.0

// The first line that holds says what is in the way.
std::optional<std::string> foreign_port_rule(const nat::PortRule& ports) {
  if (!ports.overload) return "ports that are not overloaded";
  if (ports.allocation == nat::Allocation::sequential) return "sequential allocation of ports";
  if (ports.allocation == nat::Allocation::preserve && ports.collision != nat::Collision::random)
    return "its answer to a port that is taken";
  if (ports.allocation == nat::Allocation::preserve && !ports.only_in_range &&
      (ports.low != kKernelLow || ports.high != kKernelHigh))
    return "another range for ports that collide";
  if (ports.keep_parity || ports.keep_contiguity) return "parity or contiguity of ports";
  if (ports.reuse_after > Duration{0}) return "a rest for ports that were given back";
  if (ports.blocks.mode != nat::BlockMode::none) return "blocks of ports";
  return std::nullopt;
}

std::optional<std::string> foreign_translation(const Behavior& b) {
  if (b.udp == nat::UdpPolicy::blocked && b.tcp_ports && b.tcp_ports->empty()) return std::nullopt;  // of nothing
  if (b.mapping != nat::Mapping::address_and_port_dependent) return "mapping that is not address-and-port-dependent";
  if (b.reply != nat::ReplyRule::session) return "answers by the mapping rule";
  if (b.hairpinning != nat::Hairpinning::none) return "hairpinning";
  return foreign_port_rule(b.ports);
}

std::optional<std::string> foreign_state(const Behavior& b) {
  if (b.filtering != nat::Filtering::address_and_port_dependent)
    return "filtering that is not address-and-port-dependent";
  if (b.syn_refusal_after > Duration{0}) return "late answers to unsolicited SYNs";
  if (b.premature_inbound == nat::PrematureInbound::occupies && b.refusal != nat::Refusal::reset)
    return "unsolicited packets that are remembered without the kernel's answer";
  if (b.refresh != nat::Refresh::both) return "lifetimes that only one direction refreshes";
  if (b.lifetimes.udp_replied_after != kStreamAfter && b.lifetimes.udp_unreplied != b.lifetimes.udp_replied)
    return "when the long lifetime of UDP begins (netfilter: after 2 s)";
  if (b.mappings_per_subscriber != 0 || b.table.flows != 0) return "limits of its table";
  if (b.icmp_errors != nat::IcmpErrors::translated) return "dropped ICMP errors";
  if (b.fragments != nat::Fragments::any_order) return "its treatment of fragments";
  return std::nullopt;
}

std::optional<std::string> foreign(const Behavior& b) {
  if (b.translation == nat::Translation::nat64 || b.translation == nat::Translation::nptv6) return "its translation";
  if (!b.decrement_ttl) return "TTLs that are not decremented";
  if (b.port_mapping.any()) return "port mapping";
  if (!b.untranslated.empty()) return "untranslated destinations";
  if (b.translation == nat::Translation::none) return std::nullopt;
  if (auto axis = foreign_state(b)) return axis;
  return b.translation == nat::Translation::nat ? foreign_translation(b) : std::nullopt;
}

std::string masquerade(const nat::PortRule& ports) {
  const bool random = ports.allocation == nat::Allocation::random;
  const bool ranged = ports.only_in_range || ports.low != kKernelLow || ports.high != kKernelHigh;
  std::string rules = "table ip nat { chain post { type nat hook postrouting priority 100;\n";
  if (ranged) {
    rules += "  oifname \"wan\" meta l4proto { tcp, udp } masquerade to :" + std::to_string(ports.low) + "-" +
             std::to_string(ports.high) + (random ? " random" : "") + "\n";
  }
  rules += std::string("  oifname \"wan\" masquerade") + (random && !ranged ? " random" : "") + "\n}; }\n";
  return rules;
}

/// Lines that refuse what `match` matches; nothing for silence, which is the policy of the chain or a line of its own.
std::string refuse(nat::Refusal refusal, const std::string& match, const std::string& why) {
  std::string lines;
  if (refusal == nat::Refusal::reset) lines += "    " + match + "meta l4proto tcp reject with tcp reset\n";
  if (refusal != nat::Refusal::silent)
    lines += "    " + match + "meta l4proto { tcp, udp } reject with icmpx " + why + "\n";
  return lines;
}

std::string filter(const Behavior& b) {
  std::string rules = "table inet guard {\n";
  if (b.premature_inbound == nat::PrematureInbound::ignored) {
    rules +=
        "  chain input { type filter hook input priority 0; policy drop;\n"
        "    ct state established,related accept\n    iifname \"lan\" accept\n" +
        refuse(b.refusal, "", "port-unreachable") + "  }\n";
  }
  rules +=
      "  chain forward { type filter hook forward priority 0; policy accept;\n    iifname \"wan\" ct state new drop\n  "
      "}\n}\n";
  return rules;
}

std::string port_set(const std::vector<std::uint16_t>& ports) {
  std::string text;
  for (const std::uint16_t port : ports) text += (text.empty() ? "" : ", ") + std::to_string(port);
  return text;
}

std::string policy(const Behavior& b) {
  std::string rules;
  const auto forbid = [&](const std::string& match) {
    rules += refuse(b.refusal, match, "admin-prohibited") + "    " + match + "drop\n";
  };
  if (b.udp == nat::UdpPolicy::blocked) forbid("meta l4proto udp ");
  for (const auto& [name, ports] : {std::pair("tcp", b.tcp_ports), std::pair("udp", b.udp_ports)}) {
    if (!ports) continue;
    forbid(std::string("iifname \"lan\" ct state new meta l4proto ") + name +
           (ports->empty() ? " " : std::string(" ") + name + " dport != { " + port_set(*ports) + " } "));
  }
  if (rules.empty()) return rules;
  return "table inet restrictions { chain forward { type filter hook forward priority -10; policy accept;\n" + rules +
         "  }; }\n";
}

std::vector<std::pair<std::string, std::string>> lifetimes(const nat::Lifetimes& l) {
  const std::pair<const char*, Duration> all[] = {{"udp_timeout", l.udp_unreplied},
                                                  {"udp_timeout_stream", l.udp_replied},
                                                  {"tcp_timeout_syn_sent", l.tcp_transitory},
                                                  {"tcp_timeout_syn_recv", l.tcp_transitory},
                                                  {"tcp_timeout_established", l.tcp_established},
                                                  {"tcp_timeout_fin_wait", l.tcp_half_closed},
                                                  {"tcp_timeout_close_wait", l.tcp_half_closed},
                                                  {"tcp_timeout_last_ack", l.tcp_closed},
                                                  {"tcp_timeout_time_wait", l.tcp_closed},
                                                  {"tcp_timeout_close", l.tcp_reset},
                                                  {"icmp_timeout", l.icmp_query}};
  std::vector<std::pair<std::string, std::string>> sysctls;
  for (const auto& [name, lifetime] : all) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(lifetime).count();
    sysctls.emplace_back(std::string("netfilter/nf_conntrack_") + name, std::to_string(seconds));
  }
  return sysctls;
}

}  // namespace

std::expected<NftablesNat, std::string> express(const Behavior& behavior) {
  if (auto axis = foreign(behavior)) return std::unexpected(*axis);
  NftablesNat out{.rules = policy(behavior), .sysctls = {}};
  if (behavior.translation == nat::Translation::none) return out;
  out.rules += filter(behavior);
  if (behavior.translation == nat::Translation::nat) out.rules += masquerade(behavior.ports);
  out.sysctls = lifetimes(behavior.lifetimes);
  return out;
}

}  // namespace weft::kernel
