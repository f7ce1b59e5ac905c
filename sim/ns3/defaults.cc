// SPDX-License-Identifier: GPL-2.0-only
#include "sim/ns3/defaults.h"

#include <ns3/boolean.h>
#include <ns3/config.h>
#include <ns3/global-value.h>
#include <ns3/string.h>
#include <ns3/type-id.h>

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "mesh/base/assert.h"

namespace weft::stack {
namespace {

/// Of the applications' TCP, which runs in a tunnel of MTU 1,400: less 40 bytes of headers and 12 of timestamps. ns-3's
/// own 536 bytes and initial window of one segment are RFC 1122's.
constexpr std::pair<const char*, const char*> kDefaults[] = {
    {"ns3::Icmpv6L4Protocol::DAD", "false"},   {"ns3::TcpSocket::SegmentSize", "1348"},
    {"ns3::TcpSocket::SndBufSize", "262144"},  {"ns3::TcpSocket::RcvBufSize", "1048576"},
    {"ns3::TcpSocket::InitialCwnd", "10"},     {"ns3::TcpSocket::ConnTimeout", "1s"},
    {"ns3::TcpSocket::DelAckTimeout", "40ms"},
};

/// Whether ns-3 makes a value of that text. It ends the process on some that are malformed, so a child tries.
bool takes(const ns3::TypeId::AttributeInformation& info, const std::string& value) {
  const pid_t child = fork();
  WEFT_ASSERT(child >= 0);
  if (child == 0) {
    std::signal(SIGABRT, [](int) { _exit(1); });
    close(STDERR_FILENO);
    _exit(info.checker->CreateValidValue(ns3::StringValue(value)) ? 0 : 1);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::string refusal(const std::string& name, const std::string& value) {
  const auto at = name.rfind("::");
  const std::string type = at == std::string::npos ? name : name.substr(0, at);
  const std::string attribute = at == std::string::npos ? "" : name.substr(at + 2);
  ns3::TypeId id;
  if (at == std::string::npos || !ns3::TypeId::LookupByNameFailSafe(type, &id)) {
    return "ns-3 attribute '" + name + "': ns-3 has no type '" + type +
           "'; write ns3::Type::Attribute as ns-3's manual names it";
  }
  ns3::TypeId::AttributeInformation info;
  if (!id.LookupAttributeByName(attribute, &info)) {
    std::string known;
    for (std::size_t i = 0; i < id.GetAttributeN(); ++i) known += (i == 0 ? "" : ", ") + id.GetAttribute(i).name;
    return "ns-3 attribute '" + name + "': " + type + " has no attribute '" + attribute + "'" +
           (known.empty() ? "; it has none" : "; it has " + known);
  }
  if (takes(info, value)) return "";
  return "ns-3 attribute '" + name + "' cannot be '" + value + "'; it takes " + info.checker->GetValueTypeName() +
         (info.checker->HasUnderlyingTypeInformation() ? " (" + info.checker->GetUnderlyingTypeInformation() + ")"
                                                       : "");
}

}  // namespace

bool check_attributes(const sim::Ns3Options& options, std::string& problem) {
  for (const auto& [name, value] : options.attributes) {
    problem = refusal(name, value);
    if (!problem.empty()) return false;
  }
  return true;
}

void set_defaults(const sim::Ns3Options& options) {
  ns3::Config::Reset();
  ns3::GlobalValue::Bind("ChecksumEnabled", ns3::BooleanValue(true));
  for (const auto& [name, value] : kDefaults) ns3::Config::SetDefault(name, ns3::StringValue(value));
  for (const auto& [name, value] : options.attributes) {
    WEFT_ASSERT(ns3::Config::SetDefaultFailSafe(name, ns3::StringValue(value)));
  }
}

}  // namespace weft::stack
