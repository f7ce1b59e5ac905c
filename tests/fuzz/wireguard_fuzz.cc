// SPDX-License-Identifier: BSD-3-Clause
// links: weft_wireguard
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "mesh/base/assert.h"
#include "mesh/crypto/aead.h"
#include "mesh/wireguard/cookie.h"
#include "mesh/wireguard/device.h"
#include "mesh/wireguard/noise.h"
#include "tests/support/seeded_entropy.h"

namespace weft::wireguard {
namespace {

const IpAddress kPeers = IpAddress::v4(10, 0, 0, 2);
const PathId kPath{.socket = 1, .relay = 0, .remote = {IpAddress::v4(192, 0, 2, 1), 1000}};

/// A device with one session, whose other end is held here by hand, so that a hostile peer may send any content.
class Target {
 public:
  Target() : ours_(identity()), peers_(identity()) {
    DeviceConfig config;
    config.private_key = ours_.private_key;
    config.load_threshold = 0;
    config.next_timestamp = [this] { return to_tai64n(WallTime(Duration(++clock_))); };
    device_ = std::make_unique<Device>(config, random_, entropy_);
    PeerConfig peer;
    peer.public_key = peers_.public_key;
    peer.allowed_ips = {Prefix::host(kPeers), *Prefix::parse("fd00::/64")};
    peer.path = kPath;
    WEFT_ASSERT(device_->add_peer(now_, peer));
    establish();
  }

  PacketSlot open(ByteView datagram, Ecn ecn) {
    PacketSlot slot = fill(datagram);
    slot.path = kPath;
    slot.ecn = ecn;
    device_->open(now_, {&slot, 1});
    WEFT_ASSERT(slot.verdict != PacketVerdict::pending);
    if (slot.verdict == PacketVerdict::ready) {
      WEFT_ASSERT(slot.slot.length >= 20 && slot.slot.length <= datagram.size() - 32);
    }
    drain();
    return slot;
  }
  /// As the peer, any bytes as the content of a transport message.
  void open_content(ByteView content, Ecn ecn) {
    Bytes message(kTransportHeaderSize + content.size() + kTagSize);
    std::ranges::copy(content, message.begin() + kTransportHeaderSize);
    write_transport_header(message.data(), {remote_index_, counter_});
    crypto::AeadItem item{counter_++, message.data() + kTransportHeaderSize, content.size()};
    sending_->seal({&item, 1});
    WEFT_ASSERT(open(message, ecn).verdict != PacketVerdict::bad_tag);
  }
  /// A handshake message whose mac1 is right.
  void open_with_mac(ByteView datagram, bool loaded) {
    Bytes message = to_bytes(datagram);
    if (message.size() != kInitiationSize && message.size() != kResponseSize) return;
    CookieGenerator(ours_.public_key).add_macs(now_, message);
    device_->set_under_load(loaded);
    open(message, Ecn::not_ect);
    device_->set_under_load(false);
  }
  void seal(ByteView packet) {
    PacketSlot slot = fill(packet);
    device_->seal(now_, {&slot, 1});
    WEFT_ASSERT(slot.verdict != PacketVerdict::pending && slot.verdict != PacketVerdict::staged);
    drain();
  }

 private:
  Identity identity() {
    const auto key = crypto::PrivateKey::generate(entropy_);
    return {key, key.public_key()};
  }
  PacketSlot fill(ByteView bytes) {
    std::ranges::copy(bytes, arena_.begin() + kSlotHeadRoom);
    PacketSlot slot;
    slot.slot = {arena_.data(), static_cast<std::uint32_t>(arena_.size()), kSlotHeadRoom,
                 static_cast<std::uint32_t>(bytes.size())};
    return slot;
  }
  void establish() {
    const PeerSecrets device_secrets{ours_.public_key, *crypto::x25519(peers_.private_key, ours_.public_key), {}};
    const auto created = create_initiation(peers_, device_secrets, 77, to_tai64n(WallTime(1h)), entropy_);
    Bytes initiation = serialize(created->message);
    CookieGenerator(ours_.public_key).add_macs(now_, initiation);
    PacketSlot slot = fill(initiation);
    slot.path = kPath;
    device_->open(now_, {&slot, 1});
    const auto response = parse_response(device_->poll_transmit()->bytes);
    const auto keys = consume_response(peers_, created->state, device_secrets, *response);
    remote_index_ = response->sender_index;
    sending_ = std::make_unique<crypto::Aead>(keys->send);
    open_content({}, Ecn::not_ect);
  }
  void drain() {
    while (device_->poll_transmit()) {
    }
    while (device_->poll_event()) {
    }
  }

  SeededRandom random_{1, "fuzz"};
  test::SeededEntropy entropy_{1};
  std::int64_t clock_ = 0;
  Time now_{Duration(1s)};
  Identity ours_, peers_;
  std::unique_ptr<Device> device_;
  std::unique_ptr<crypto::Aead> sending_;
  std::uint32_t remote_index_ = 0;
  std::uint64_t counter_ = 0;
  alignas(16) std::array<std::uint8_t, 8192> arena_{};
};

}  // namespace
}  // namespace weft::wireguard

/// The first byte chooses the way in; the rest is a datagram, the content of an authentic message, or a packet to seal.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::wireguard;
  if (size < 1 || size > 4096) return 0;
  static Target target;
  const weft::ByteView rest(data + 1, size - 1);
  const auto ecn = static_cast<weft::Ecn>(data[0] >> 4 & 3);
  switch (data[0] & 3) {
    case 0:
      target.open(rest, ecn);
      break;
    case 1:
      target.open_content(rest, ecn);
      break;
    case 2:
      target.open_with_mac(rest, (data[0] & 8) != 0);
      break;
    case 3:
      target.seal(rest);
      break;
  }
  return 0;
}
