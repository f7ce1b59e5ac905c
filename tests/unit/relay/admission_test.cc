// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/relay/admission.h"

#include <gtest/gtest.h>

#include "tests/support/seeded_entropy.h"

namespace weft::relay {
namespace {

const WallTime kNow{24h * 365 * 56};

class AdmissionTest : public ::testing::Test {
 protected:
  test::SeededEntropy entropy{1};
  crypto::SigningKey coordinator = crypto::SigningKey::generate(entropy);
  crypto::PublicKey node = crypto::PrivateKey::generate(entropy).public_key();
  Admission admission{node, kNow + 12h};
};

TEST_F(AdmissionTest, IsReadAsItWasSigned) {
  const Bytes bytes = sign(admission, coordinator);
  EXPECT_EQ(bytes.size(), kAdmissionSize);
  EXPECT_EQ(verify_admission(bytes, coordinator.verify_key(), kNow), admission);
}

TEST_F(AdmissionTest, ExpiresAtItsTime) {
  const Bytes bytes = sign(admission, coordinator);
  EXPECT_TRUE(verify_admission(bytes, coordinator.verify_key(), kNow + 12h - 1s));
  EXPECT_EQ(verify_admission(bytes, coordinator.verify_key(), kNow + 12h),
            std::unexpected(RelayError::admission_expired));
}

TEST_F(AdmissionTest, IsRefusedIfItWouldLastForEver) {
  admission.not_after = kNow + 26h;
  EXPECT_EQ(verify_admission(sign(admission, coordinator), coordinator.verify_key(), kNow),
            std::unexpected(RelayError::admission_expired));
}

TEST_F(AdmissionTest, IsRefusedFromAnotherCoordinator) {
  const auto other = crypto::SigningKey::generate(entropy);
  EXPECT_EQ(verify_admission(sign(admission, other), coordinator.verify_key(), kNow),
            std::unexpected(RelayError::wrong_signature));
}

TEST_F(AdmissionTest, NoticesEveryFlippedBit) {
  const Bytes bytes = sign(admission, coordinator);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    Bytes changed = bytes;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1 << (bit % 8));
    EXPECT_FALSE(verify_admission(changed, coordinator.verify_key(), kNow)) << "bit " << bit;
  }
}

TEST_F(AdmissionTest, IsNotReadFromAnyOtherLength) {
  Bytes bytes = sign(admission, coordinator);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(verify_admission(ByteView(bytes).first(size), coordinator.verify_key(), kNow)) << size;
  }
  bytes.push_back(0);
  EXPECT_EQ(verify_admission(bytes, coordinator.verify_key(), kNow), std::unexpected(RelayError::malformed));
}

}  // namespace
}  // namespace weft::relay
