// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/bin/redact.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace weft::bin {
namespace {

TEST(Redact, RemovesSetupKeysWhereverTheyStand) {
  EXPECT_EQ(redact("up --key weft1_abcdefghij234567 --name a"), "up --key (removed) --name a");
  EXPECT_EQ(redact("weft1_a,weft1_b"), "(removed),(removed)");
}

TEST(Redact, RemovesKeysInBase64AndHexadecimal) {
  EXPECT_EQ(redact("peer yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk= up"), "peer (removed) up");
  EXPECT_EQ(redact(std::string(64, 'a') + " b"), "(removed) b");
}

TEST(Redact, RemovesWhatANameCallsASecret) {
  EXPECT_EQ(redact("PrivateKey = short"), "PrivateKey = (removed)");
  EXPECT_EQ(redact(R"x("password": "hunter2", "name": "db")x"), R"x("password": "(removed)", "name": "db")x");
  EXPECT_EQ(redact("WEFT_KEY=x\nTOKEN: y"), "WEFT_KEY=(removed)\nTOKEN: (removed)");
}

TEST(Redact, LeavesOrdinaryTextAlone) {
  const std::string text = "2026-01-31T12:00:00.000Z info agent path peer=db path=direct endpoint=203.0.113.7:41641\n";
  EXPECT_EQ(redact(text), text);
}

TEST(Redact, TakesLinesOfAnyLength) {
  EXPECT_EQ(redact("a\n" + std::string(1'000'000, 'x') + "\nb"), "a\n(a long line removed)\nb");
  EXPECT_EQ(redact(""), "");
}

TEST(Redact, GoesThroughDocumentsAndKeepsPublicKeys) {
  const std::string key = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";
  const nlohmann::json document{{"node_key", key}, {"log", {"key " + key}}, {"count", 3}};
  EXPECT_EQ(redact_document(document), (nlohmann::json{{"node_key", key}, {"log", {"key (removed)"}}, {"count", 3}}));
}

}  // namespace
}  // namespace weft::bin
