// SPDX-License-Identifier: GPL-2.0-only
#include "sim/traffic/port.h"

#include "sim/fabric/fabric_host.h"

namespace weft::traffic {

Port::Port(fabric::FabricHost& host, fabric::Applications::Receiver receiver)
    : applications_(host.applications()), number_(applications_.add_receiver(std::move(receiver))) {}

Port::~Port() { applications_.remove_receiver(number_); }

}  // namespace weft::traffic
