// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/tls/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include <vector>

#include "mesh/tls/context.h"
#include "tests/support/seeded_entropy.h"

namespace weft::tls {
namespace {

using ::testing::HasSubstr;

constexpr WallTime kStart{std::chrono::seconds(1'770'000'000)};
constexpr WallTime kEnd = kStart + std::chrono::hours(24 * 365);

crypto::SigningKey server_key(std::uint8_t fill = 7) {
  return *crypto::SigningKey::from_bytes(std::vector<std::uint8_t>(32, fill));
}

/// A client and a server with a context each, and every byte they have sent.
struct Pair {
  explicit Pair(std::uint64_t seed = 1,
                ClientOptions options = {.expected_key = server_key().verify_key(), .valid_at = {}})
      : client_entropy(seed),
        server_entropy(seed + 1000),
        client_context(client_entropy),
        server_context(server_entropy, Identity{.key = server_key(), .not_before = kStart, .not_after = kEnd}),
        client(Session::client(client_context, options)),
        server(Session::server(server_context)) {}

  /// Carries bytes both ways in pieces of `piece` until nobody has more.
  void exchange(std::size_t piece = std::size_t{1} << 20) {
    while (true) {
      const auto up = client.poll_ciphertext();
      if (up) carry(*up, server, piece);
      const auto down = server.poll_ciphertext();
      if (down) carry(*down, client, piece);
      if (!up && !down) return;
    }
  }
  void carry(const Bytes& bytes, Session& to, std::size_t piece) {
    wire.insert(wire.end(), bytes.begin(), bytes.end());
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      to.handle_ciphertext(ByteView(bytes).subspan(at, std::min(piece, bytes.size() - at)));
    }
  }

  test::SeededEntropy client_entropy, server_entropy;
  Context client_context, server_context;
  Session client, server;
  Bytes wire;
};

std::string read_all(Session& session) {
  std::string text;
  while (const auto piece = session.poll_plaintext()) text += as_text(*piece);
  return text;
}

TEST(Session, CarriesBytesBothWays) {
  Pair pair;
  EXPECT_EQ(pair.client.write_plaintext(as_bytes("too early")), 0u);
  pair.exchange();
  ASSERT_TRUE(pair.client.established() && pair.server.established());
  EXPECT_EQ(pair.client.write_plaintext(as_bytes("question")), 8u);
  EXPECT_EQ(pair.server.write_plaintext(as_bytes("answer")), 6u);
  pair.exchange();
  EXPECT_EQ(read_all(pair.server), "question");
  EXPECT_EQ(read_all(pair.client), "answer");
  EXPECT_EQ(as_text(pair.wire).find("question"), std::string_view::npos);
}

TEST(Session, TakesBytesCutAnywhere) {
  for (const std::size_t piece : {1, 2, 3, 5, 7, 64, 1000}) {
    Pair pair;
    pair.exchange(piece);
    const std::string text(40'000, 'x');
    pair.server.write_plaintext(as_bytes(text));
    pair.exchange(piece);
    EXPECT_EQ(read_all(pair.client), text) << "pieces of " << piece;
  }
}

TEST(Session, EqualSeedsGiveEqualBytes) {
  const auto run = [](std::uint64_t seed) {
    Pair pair(seed);
    pair.exchange();
    pair.client.write_plaintext(as_bytes("the same every time"));
    pair.client.close_notify();
    pair.exchange();
    EXPECT_GT(pair.client_entropy.drawn(), 64u);
    return pair.wire;
  };
  const Bytes first = run(5);
  EXPECT_EQ(first, run(5));
  EXPECT_NE(first, run(6));
}

TEST(Session, LeavesOpenSslsGlobalRandomNumbersAlone) {
  test::SeededEntropy entropy(1);
  const Context context(entropy);
  const std::size_t drawn = entropy.drawn();
  std::array<std::uint8_t, 32> a{}, b{};
  ASSERT_EQ(EVP_RAND_generate(RAND_get0_public(nullptr), a.data(), a.size(), 128, 0, nullptr, 0), 1);
  ASSERT_EQ(EVP_RAND_generate(RAND_get0_private(nullptr), b.data(), b.size(), 128, 0, nullptr, 0), 1);
  EXPECT_EQ(entropy.drawn(), drawn);
  EXPECT_NE(a, b);
}

TEST(Session, RefusesAnotherKeyThanExpected) {
  Pair pair(1, {.expected_key = server_key(8).verify_key(), .valid_at = {}});
  pair.exchange();
  ASSERT_TRUE(pair.client.failed());
  EXPECT_EQ(pair.client.failed()->code, ErrorCode::refused);
  EXPECT_THAT(pair.client.failed()->message, HasSubstr(server_key(7).verify_key().to_base64()));
  EXPECT_THAT(pair.client.failed()->message, HasSubstr(server_key(8).verify_key().to_base64()));
  EXPECT_FALSE(pair.client.established());
  ASSERT_TRUE(pair.server.failed()) << "the alert tells the server";
  EXPECT_THAT(pair.server.failed()->message, HasSubstr("the other side ended TLS"));
}

TEST(Session, AcceptsAnyKeyIfNoneIsExpected) {
  Pair pair(1, {});
  pair.exchange();
  EXPECT_TRUE(pair.client.established());
}

TEST(Session, ReadsTheDatesOnlyWhenGivenATime) {
  const auto established_at = [](WallTime at) {
    Pair pair(1, {.expected_key = {}, .valid_at = at});
    pair.exchange();
    EXPECT_EQ(pair.client.established(), !pair.client.failed());
    return pair.client.established();
  };
  EXPECT_TRUE(established_at(kStart + 1h));
  EXPECT_FALSE(established_at(kStart - 1s));
  EXPECT_FALSE(established_at(kEnd + 1s));
}

TEST(Session, ServerSaysThatThePlaintextClientSpeaksNoTls) {
  for (const std::string_view text : {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n"}) {
    Pair pair;
    pair.server.handle_ciphertext(as_bytes(text));
    ASSERT_TRUE(pair.server.failed());
    EXPECT_EQ(pair.server.failed()->code, ErrorCode::refused);
    EXPECT_THAT(pair.server.failed()->message, HasSubstr("does not speak TLS"));
    const auto alert = pair.server.poll_ciphertext();
    ASSERT_TRUE(alert);
    EXPECT_EQ(to_hex(*alert), "15030300020246");
  }
}

TEST(Session, ClientSaysThatThePlaintextServerSpeaksNoTls) {
  Pair pair;
  pair.client.handle_ciphertext(as_bytes("HTTP/1.1 400 Bad Request\r\n\r\n"));
  ASSERT_TRUE(pair.client.failed());
  EXPECT_THAT(pair.client.failed()->message, HasSubstr("does not speak TLS"));
}

TEST(Session, AnAlteredRecordIsAnError) {
  Pair pair;
  pair.exchange();
  pair.client.write_plaintext(as_bytes("hello"));
  Bytes record = *pair.client.poll_ciphertext();
  record.back() ^= 1;
  pair.server.handle_ciphertext(record);
  ASSERT_TRUE(pair.server.failed());
  EXPECT_EQ(pair.server.failed()->code, ErrorCode::corrupt);
  EXPECT_FALSE(pair.server.poll_plaintext());
}

TEST(Session, CloseNotifyEndsOneDirection) {
  Pair pair;
  pair.exchange();
  pair.client.write_plaintext(as_bytes("last words"));
  pair.client.close_notify();
  EXPECT_EQ(pair.client.write_plaintext(as_bytes("no")), 0u);
  pair.exchange();
  EXPECT_EQ(read_all(pair.server), "last words");
  EXPECT_TRUE(pair.server.peer_closed());
  EXPECT_FALSE(pair.server.failed());
  EXPECT_FALSE(pair.client.peer_closed());
  pair.server.write_plaintext(as_bytes("still heard"));
  pair.server.close_notify();
  pair.exchange();
  EXPECT_EQ(read_all(pair.client), "still heard");
  EXPECT_TRUE(pair.client.peer_closed());
}

TEST(Session, SendsNoSessionTicket) {
  Pair pair;
  pair.exchange();
  EXPECT_FALSE(pair.server.poll_ciphertext()) << "nothing follows the handshake";
}

TEST(Session, IdleSessionsAreSmall) {
  test::SeededEntropy entropy(1);
  Context context(entropy, Identity{.key = server_key(), .not_before = kStart, .not_after = kEnd});
  std::vector<Session> sessions;
  const auto add_pair = [&] {
    Session client = Session::client(context), server = Session::server(context);
    for (int i = 0; i < 3; ++i) {
      while (const auto up = client.poll_ciphertext()) server.handle_ciphertext(*up);
      while (const auto down = server.poll_ciphertext()) client.handle_ciphertext(*down);
    }
    ASSERT_TRUE(client.established() && server.established());
    sessions.push_back(std::move(client));
    sessions.push_back(std::move(server));
  };
  add_pair();
  const std::size_t before = mallinfo2().uordblks;
  constexpr int kPairs = 50;
  for (int i = 0; i < kPairs; ++i) add_pair();
  const std::size_t bytes_per_pair = (mallinfo2().uordblks - before) / kPairs;
  RecordProperty("bytes_per_pair", static_cast<int>(bytes_per_pair));
  EXPECT_LE(bytes_per_pair, 48u * 1024);
}

TEST(Context, OneThreadHasRoomForThousands) {
  test::SeededEntropy entropy(1);
  std::vector<std::unique_ptr<Context>> contexts;
  for (int i = 0; i < 1'500; ++i) contexts.push_back(std::make_unique<Context>(entropy));
  EXPECT_FALSE(contexts.back()->can_serve());
}

TEST(Context, CertificateDependsOnTheIdentityAlone) {
  const auto certificate = [](std::uint64_t seed, std::uint64_t serial) {
    test::SeededEntropy entropy(seed);
    return Context(entropy, Identity{.key = server_key(), .not_before = kStart, .not_after = kEnd, .serial = serial})
        .certificate();
  };
  const Bytes first = certificate(1, 1);
  EXPECT_EQ(first, certificate(2, 1));
  EXPECT_NE(first, certificate(1, 2));
  const unsigned char* at = first.data();
  X509* parsed = d2i_X509(nullptr, &at, static_cast<long>(first.size()));
  ASSERT_NE(parsed, nullptr);
  EXPECT_EQ(X509_verify(parsed, X509_get0_pubkey(parsed)), 1);
  X509_free(parsed);
}

}  // namespace
}  // namespace weft::tls
