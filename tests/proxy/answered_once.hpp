#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "tests/proxy/loop.hpp"

namespace sluice::proxy::testing {

/// For tests of calls that answer once, later, until their token is gone.
template <class Answer>
class AnsweredOnceTest : public ::testing::Test {
 protected:
  /// To be called with the answer.
  auto take() {
    return [this](Answer answer) {
      ++answers_;
      answer_ = std::move(answer);
    };
  }
  /// The answer of the call that has just begun.
  Answer wait() {
    EXPECT_EQ(answers_, 0) << "never from inside the call";
    EXPECT_TRUE(loop_.run_until([this] { return answers_ > 0; }));
    loop_.settle();
    EXPECT_EQ(std::exchange(answers_, 0), 1);
    return answer_;
  }

  Loop loop_;
  int answers_ = 0;
  Answer answer_;
  std::shared_ptr<void> token_;
};

}  // namespace sluice::proxy::testing
