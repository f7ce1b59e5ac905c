// SPDX-License-Identifier: GPL-2.0-only
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "sim/trace/content.h"
#include "sim/trace/ndjson_writer.h"
#include "sim/trace/pcapng_writer.h"
#include "sim/trace/recorder.h"
#include "sim/trace/trace_file.h"

namespace weft::tracing {
namespace {

using testing::HasSubstr;

/// UDP over IPv4 without checksums.
Bytes packet(const Endpoint& from, const Endpoint& to, const Bytes& payload = {}) {
  Bytes bytes(28);
  bytes[0] = 0x45;
  bytes[8] = 64;
  bytes[9] = 17;
  store_u32be(&bytes[12], from.address.v4_host_order());
  store_u32be(&bytes[16], to.address.v4_host_order());
  store_u16be(&bytes[20], from.port);
  store_u16be(&bytes[22], to.port);
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  return bytes;
}

const Endpoint kInner{*IpAddress::parse("10.0.0.1"), 5000}, kOther{*IpAddress::parse("10.0.0.2"), 5000},
    kOuter{*IpAddress::parse("203.0.113.1"), 6000}, kServer{*IpAddress::parse("192.0.2.1"), 3478};

struct Kept : Writer {
  explicit Kept(std::vector<std::string>& out) : lines(out) {}
  void write(EventId id, const Event& event, const std::string& node) override {
    lines.push_back(to_ndjson(id, event, node));
  }
  std::vector<std::string>& lines;
};

TEST(Recorder, NumbersEventsAndNamesNodes) {
  Recorder recorder;
  std::vector<std::string> lines;
  recorder.add(std::make_unique<Kept>(lines));
  recorder.name(3, "ann \"a\"");
  const Bytes bytes = packet(kInner, kServer, {1, 0, 0, 0});
  EXPECT_EQ(recorder.record({.at = Time(5ns), .node = 3, .packet = bytes}), 1u);
  EXPECT_EQ(recorder.record({.cause = 1, .node = 3, .kind = Kind::dropped, .packet = bytes, .reason = "link_loss"}),
            2u);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], R"({"id":1,"cause":0,"t_ns":5,"node":"ann \"a\"","kind":"sent","interface":"eth0",)"
                      R"("packet":{"protocol":"udp","from":"10.0.0.1:5000","to":"192.0.2.1:3478","bytes":32,"ttl":64,)"
                      R"("content":"wireguard_initiation"}})");
  EXPECT_THAT(lines[1], HasSubstr(R"("cause":1,)"));
  EXPECT_THAT(lines[1], HasSubstr(R"("reason":"link_loss")"));
}

TEST(Recorder, GivesEachPairOfEndpointsOneMappingInBothDirections) {
  Recorder recorder;
  std::vector<std::string> lines;
  recorder.add(std::make_unique<Kept>(lines));
  const auto pass = [&](const Bytes& before, const Bytes& after) {
    recorder.record_translation({.node = 7, .packet = after}, *flow_of(before));
    return lines.back();
  };
  EXPECT_THAT(pass(packet(kInner, kServer), packet(kOuter, kServer)), HasSubstr(R"("mapping":1,)"));
  EXPECT_THAT(pass(packet(kServer, kOuter), packet(kServer, kInner)), HasSubstr(R"("mapping":1,)"));
  EXPECT_THAT(pass(packet(kOther, kServer), packet(kOuter, kServer)), HasSubstr(R"("mapping":2,)"));
  EXPECT_THAT(pass(packet(kServer, kInner), packet(kServer, kInner)), Not(HasSubstr("mapping")));
}

TEST(Recorder, FindsTheEventOfSealedMemory) {
  Recorder recorder;
  std::uint8_t arena[100];
  {
    Recorder::Batch batch(&recorder);
    batch.hold(arena, 50, 4);
    batch.hold(arena + 50, 50, 5);
    EXPECT_EQ(recorder.cause_of(arena + 49, 1), 4u);
    EXPECT_EQ(recorder.cause_of(arena + 50, 1), 5u);
  }
  EXPECT_EQ(recorder.cause_of(arena + 49, 1), 1u);
}

TEST(Recorder, SinkRecordsWhatServicesSay) {
  Recorder recorder;
  std::vector<std::string> lines;
  recorder.add(std::make_unique<Kept>(lines));
  recorder.name(1, "a");
  trace(recorder.sink(1, [] { return EventId{0}; }), Time(1ns), TraceLevel::info, "path", "chosen",
        {{"peer", std::string("b")}, {"rtt_us", std::int64_t{12}}});
  EXPECT_EQ(lines.at(0), R"({"id":1,"cause":0,"t_ns":1,"node":"a","kind":"agent","level":"info","module":"path",)"
                         R"("name":"chosen","fields":{"peer":"b","rtt_us":12}})");
}

TEST(Content, IsToldByTheFirstBytes) {
  Bytes stun(20);
  stun[1] = 1;
  store_u32be(&stun[4], 0x2112A442);
  EXPECT_EQ(content_of(packet(kInner, kServer, stun)), "stun_request");
  stun[0] = 1;
  EXPECT_EQ(content_of(packet(kInner, kServer, stun)), "stun_success");
  EXPECT_EQ(content_of(packet(kInner, kServer, {4, 0, 0, 0})), "wireguard_data");
  EXPECT_EQ(content_of(packet(kInner, kServer, {0xD7})), "path_probe");
  EXPECT_EQ(content_of(packet(kInner, kServer, {9})), "");
  EXPECT_EQ(content_of(Bytes(20)), "");
  EXPECT_FALSE(flow_of(Bytes(19)));
}

TEST(TraceFile, TellsCausesAndWhatFollowed) {
  const std::string path = testing::TempDir() + "/weft-trace-test.ndjson";
  {
    Recorder recorder;
    recorder.add(std::move(*NdjsonWriter::open(path)));
    recorder.name(1, "a");
    recorder.name(2, "g3");
    const Bytes before = packet(kInner, kServer), after = packet(kOuter, kServer);
    recorder.record({.node = 1, .packet = before});
    recorder.record_translation({.cause = 1, .node = 2, .packet = after}, *flow_of(before));
    recorder.record({.cause = 2, .node = 2, .kind = Kind::dropped, .packet = after, .reason = "link_loss"});
    recorder.record({.node = 1, .packet = before});
  }
  auto trace = TraceFile::open(path);
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_EQ(trace->size(), 4u);
  EXPECT_THAT(trace->drops(), HasSubstr("1         3  g3: link_loss"));
  const auto why = trace->explain(3, {});
  ASSERT_TRUE(why);
  EXPECT_THAT(*why, HasSubstr("a (eth0) sends: udp 10.0.0.1:5000 → 192.0.2.1:3478"));
  EXPECT_THAT(*why,
              HasSubstr("NAT mapping 1 of gateway g3 makes of 10.0.0.1:5000 → 192.0.2.1:3478: udp 203.0.113.1:6000"));
  EXPECT_THAT(*why, HasSubstr("g3 (eth0) loses it: link_loss"));
  EXPECT_THAT(*trace->explain(3, {.back = 1}), HasSubstr("2  causes before these"));
  EXPECT_THAT(*trace->explain(1, {.following = 9}), HasSubstr("then\n"));
  EXPECT_THAT(trace->explain(5, {}).error().message, HasSubstr("has no event 5; they are numbered 1 to 4"));
  std::remove(path.c_str());
}

TEST(TraceFile, RefusesWhatIsNoTrace) {
  const std::string path = testing::TempDir() + "/weft-no-trace.ndjson";
  for (const char* text :
       {"{}\n", "not json\n", R"({"id":1,"cause":1})", R"({"id":2,"cause":0})", R"({"id":1,"cause":-1})"}) {
    std::ofstream(path) << text;
    const auto trace = TraceFile::open(path);
    ASSERT_FALSE(trace) << text;
    EXPECT_THAT(trace.error().message, HasSubstr("line 1 is not event 1"));
  }
  std::remove(path.c_str());
  EXPECT_FALSE(TraceFile::open(path));
}

TEST(Writers, RefuseWhatCannotBeWritten) {
  EXPECT_EQ(NdjsonWriter::open("/nowhere/x").error().code, ErrorCode::io);
  EXPECT_EQ(PcapngWriter::open("/proc/weft", WallTime{}).error().code, ErrorCode::io);
}

}  // namespace
}  // namespace weft::tracing
