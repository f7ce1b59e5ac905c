// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/relay/frame.h"

#include <gtest/gtest.h>

#include "mesh/base/random.h"
#include "mesh/relay/out_queue.h"

namespace weft::relay {
namespace {

crypto::PublicKey key_of(std::uint8_t seed) {
  std::array<std::uint8_t, 32> bytes{};
  bytes.fill(seed);
  return crypto::PublicKey(bytes);
}

TEST(FrameReader, CutsTheStreamAlikeHoweverItArrives) {
  SeededRandom random(1, "frames");
  Bytes stream;
  for (std::size_t size = 0; size < 300; size += 7)
    append_frame(stream, FrameType::send, key_of(1).bytes(), Bytes(size, 9));
  for (int round = 0; round < 50; ++round) {
    FrameReader reader;
    reader.set_limit(kMaxFrame);
    Bytes again;
    for (std::size_t at = 0; at < stream.size();) {
      const std::size_t step = std::min<std::size_t>(1 + random.below(round == 0 ? 1 : 400), stream.size() - at);
      reader.push(ByteView(stream).subspan(at, step));
      at += step;
      while (true) {
        const auto frame = reader.next();
        ASSERT_TRUE(frame);
        if (!*frame) break;
        append_frame(again, (*frame)->type, (*frame)->body);
      }
    }
    ASSERT_EQ(again, stream);
  }
}

TEST(FrameReader, RefusesALengthOfZeroForGood) {
  FrameReader reader;
  reader.push(Bytes{0, 0, 0, 1, 8});
  EXPECT_EQ(reader.next().error(), RelayError::malformed);
  reader.push(Bytes{0, 1, 8});
  EXPECT_EQ(reader.next().error(), RelayError::malformed);
}

TEST(FrameReader, RefusesALongFrameBeforeItsBytesArrive) {
  FrameReader reader;
  reader.push(Bytes{0x02, 0x01});  // 513
  EXPECT_EQ(reader.next().error(), RelayError::too_long);
  FrameReader open;
  open.set_limit(kMaxFrame);
  open.push(Bytes{0xFF, 0xFF});
  EXPECT_EQ(open.next().error(), RelayError::too_long);
}

TEST(FrameReader, WaitsForATruncatedFrame) {
  Bytes stream;
  append_frame(stream, FrameType::ping, Bytes(8));
  for (std::size_t size = 0; size < stream.size(); ++size) {
    FrameReader reader;
    reader.push(ByteView(stream).first(size));
    const auto frame = reader.next();
    EXPECT_TRUE(frame && !*frame) << size;
  }
}

TEST(Frame, NeedsAWholeKeyInAnAddressedBody) {
  EXPECT_FALSE(parse_addressed(Bytes(31)));
  const auto empty = parse_addressed(Bytes(32, 5));
  ASSERT_TRUE(empty);
  EXPECT_EQ(empty->key, key_of(5));
  EXPECT_TRUE(empty->datagram.empty());
}

TEST(OutQueue, DropsAtTheTailAndCounts) {
  OutQueue queue(kDatagramOverhead * 2 + 100);
  EXPECT_TRUE(queue.push_datagram(FrameType::received, key_of(1), Bytes(60, 1)));
  EXPECT_FALSE(queue.push_datagram(FrameType::received, key_of(1), Bytes(41, 2)));
  EXPECT_TRUE(queue.push_datagram(FrameType::received, key_of(1), Bytes(40, 3)));
  EXPECT_FALSE(queue.push_datagram(FrameType::received, key_of(1), {}));
  EXPECT_EQ(queue.dropped(), 2U);
  EXPECT_EQ(queue.take()->size(), kDatagramOverhead * 2 + 100);
  EXPECT_FALSE(queue.take());
}

TEST(OutQueue, SendsControlFramesAheadOfAFullQueueOfDatagrams) {
  OutQueue queue(1000);
  while (queue.push_datagram(FrameType::received, key_of(1), Bytes(100))) {
  }
  EXPECT_TRUE(queue.push_control(FrameType::ping, Bytes(8)));
  const Bytes all = *queue.take();
  EXPECT_EQ(all[2], static_cast<std::uint8_t>(FrameType::ping));
}

TEST(OutQueue, BoundsControlFramesToo) {
  OutQueue queue;
  int taken = 0;
  while (queue.push_control(FrameType::peer_absent, key_of(1).bytes())) ++taken;
  EXPECT_EQ(taken, static_cast<int>(kControlLimit / 35));
}

}  // namespace
}  // namespace weft::relay
