// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

/// One handshake and its first packets, written by make_vectors.py, which shares no code with mesh/.
namespace weft::wireguard::vector {

inline constexpr std::string_view kInitialChainingKey =
    "60e26daef327efc02ec335e2a025d2d016eb4206f87277f52d38d1988b78cd36";
inline constexpr std::string_view kInitialHash = "2211b361081ac566691243db458ad5322d9c6c662293e8b70ee19c65ba079ef3";
inline constexpr std::string_view kInitiatorPrivate =
    "48a158724826748728e4082562459c0a4f5badd81dcc82d0ce4c39f507204d78";
inline constexpr std::string_view kResponderPrivate =
    "a0a874bfd1aa7ecce84cd074fafeca9a867a4f34882c56233c223467bb088e7b";
inline constexpr std::string_view kInitiatorEphemeral =
    "b04ee675d1c055c2b15be76cd11460ed4b801d10729a767db7aa537eaed96952";
inline constexpr std::string_view kResponderEphemeral =
    "b8386159ab347069644c5daa41e1eef31a7f8f3b5da79dc2ce9d288b70646977";
inline constexpr std::string_view kPresharedKey = "12760ea0b5712f2d6504be9b624ac5475fb41c668a50b43b07bd49d266fe7011";
inline constexpr std::string_view kTimestamp = "400000005f5e10f012345678";
inline constexpr std::string_view kInitiation =
    "01000000443322118a484a515f7d943a3542d04845303e0f2cd921c31b69e7cc460bda29703a515b4cffb5b94e3c0547"
    "40ddaf125461b01e2f7e6c8afe059f6f17a994ff13a0f254a40501e673bf7ac060d7b13d9d91705e9daf42569be65782"
    "036463228e3db47f9220d60cb8f1441eca79cb707afe71b14f238bb95ace9d013671dcaa000000000000000000000000"
    "00000000";
inline constexpr std::string_view kResponse =
    "02000000d4c3b2a144332211387163fcc86a45d0dbfc232a4afe42b0bf40c8b4d2842c65da5e44af2252471b856d7ec4"
    "f5226a509ed02110928e799b7fcfe1478a935b6a0c4d7ae2bf395ad000000000000000000000000000000000";
inline constexpr std::string_view kKeyToResponder = "9687489dd756f78367a260ef657d699cce660b4fc0ba040a1dc605913cc86bee";
inline constexpr std::string_view kKeyToInitiator = "8cbad2ee1d4262f952d4acdea0e6f25062c7f88a000490abb4cfd23d07042149";
inline constexpr std::string_view kDataCounter7 =
    "04000000d4c3b2a107000000000000004e45b7302a9c2a3c163c1e7119cf0be5ff94b702a7ae05d3155bdac560190072";
inline constexpr std::string_view kKeepaliveCounter0 =
    "040000004433221100000000000000007a0e908f1113c1b2bae423d264bcad6e";

}  // namespace weft::wireguard::vector
