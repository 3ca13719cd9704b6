#include "core/rollout_explain.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::core {
namespace {

/// Ten errors in a hundred on NEW, one in a thousand on OLD.
RolloutStatus broken_release() {
  RolloutStatus status;
  status.route = "shop";
  status.id = "build-42";
  status.state = RolloutState::stepping;
  status.step = 2;
  status.steps = 5;
  status.from = "shop-v1";
  status.to = "shop-v2";
  status.weight = 550;
  status.evidence = 2354.4;
  status.threshold = 1000;
  status.streams = {{Stream::errors, {1102, 1}, {58, 6}, 5230, 8.41},
                    {Stream::p99, {1100, 11}, {52, 1}, 0.42, 0}};
  return status;
}

std::string joined(const RolloutStatus& status) {
  std::string all;
  for (const std::string& sentence : explain(status)) all += sentence + "\n";
  return all;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(RolloutExplain, SaysWhereItIs) {
  EXPECT_EQ(explain(broken_release()).front(),
            "build-42 on shop is stepping, step 2 of 5: shop-v2 gets 5.5 % of the requests, "
            "shop-v1 the rest.");
  RolloutStatus staged = broken_release();
  staged.step = 0;
  staged.weight = 0;
  EXPECT_EQ(explain(staged).front(),
            "build-42 on shop is stepping: shop-v2 gets 0 % of the requests, shop-v1 the rest.");
}

TEST(RolloutExplain, StreamHasCountsRatesRatioAndEvidence) {
  const auto sentences = explain(broken_release());
  EXPECT_EQ(sentences[1],
            "errors: shop-v2 failed 6 of 58 requests (10.3 %), shop-v1 1 of 1,102 (0.09 %): at "
            "least 8.4 times as often; E = 5230, at 1818 this stream alone rolls back.");
  EXPECT_EQ(sentences[2],
            "p99: shop-v2 was slow to answer 1 of 52 requests (1.9 %), shop-v1 11 of 1,100 (1 %); "
            "E = 0.42, at 5882 this stream alone rolls back.");
  EXPECT_EQ(sentences[3], "All streams together: E = 2354, at 1000 it rolls back.");
}

TEST(RolloutExplain, RatioBelowOneIsNotClaimed) {
  RolloutStatus status = broken_release();
  status.streams[0].ratio_lower_bound = 0.7;
  EXPECT_FALSE(has(joined(status), "times as often"));
}

TEST(RolloutExplain, StreamWithoutRequestsSaysSo) {
  RolloutStatus status = broken_release();
  status.streams = {{Stream::client_errors, {100, 1}, {0, 0}, 1, 0}};
  EXPECT_TRUE(has(joined(status), "client_errors: no request of shop-v2 was judged yet.\n"));
}

TEST(RolloutExplain, SmallRatesAndLargeCountsStayReadable) {
  RolloutStatus status = broken_release();
  status.streams = {{Stream::errors, {123'456'789, 12}, {1'000'000, 1'000'000}, 1e30, 0}};
  const std::string text = joined(status);
  EXPECT_TRUE(has(text, "failed 1,000,000 of 1,000,000 requests (100 %)")) << text;
  EXPECT_TRUE(has(text, "shop-v1 12 of 123,456,789 (below 0.01 %)")) << text;
  EXPECT_TRUE(has(text, "E = 1e+30")) << text;
}

TEST(RolloutExplain, ObserverOnlySaysWhatWouldBe) {
  RolloutStatus status = broken_release();
  status.mode = RolloutMode::observe;
  const std::string text = joined(status);
  EXPECT_TRUE(has(text, "it only observes")) << text;
  EXPECT_TRUE(has(text, "at 1000 it would roll back.")) << text;
  EXPECT_FALSE(has(text, "rolls back")) << text;
}

TEST(RolloutExplain, ReasonStandsWithTheState) {
  RolloutStatus status = broken_release();
  status.state = RolloutState::holding;
  status.reason = "no_traffic";
  status.words = "no request came";
  EXPECT_EQ(explain(status)[1], "holding (no_traffic): no request came.");
  status.words = "";
  EXPECT_EQ(explain(status)[1], "holding (no_traffic).");
}

TEST(RolloutExplain, WorstBackendsComeFirstAndTheRestIsCounted) {
  RolloutStatus status = broken_release();
  for (unsigned i = 0; i < 7; ++i)
    status.backends.push_back({"10.0.0." + std::to_string(i) + ":80", {i, 0, 0, i == 6 ? 2U : 0}});
  const std::string text = joined(status);
  EXPECT_TRUE(has(text,
                  "Bad requests of shop-v2 by backend: 10.0.0.6:80 (errors 6, p99 2), "
                  "10.0.0.5:80 (errors 5), 10.0.0.4:80 (errors 4), 10.0.0.3:80 (errors 3), "
                  "10.0.0.2:80 (errors 2) and 1 other.\n"))
      << text;
  EXPECT_FALSE(has(joined(broken_release()), "by backend"));
}

TEST(RolloutExplain, SaysWhatUsersSaw) {
  RolloutStatus status = broken_release();
  status.bad_delivered = 1;
  status.shielded = 5;
  status.mirrored = 1200;
  const std::string text = joined(status);
  EXPECT_TRUE(
      has(text, "1 error of shop-v2 reached users; 5 requests were repeated on shop-v1 instead."))
      << text;
  EXPECT_TRUE(has(text, "1,200 requests were mirrored to shop-v2; 0 answers differed.")) << text;
}

TEST(RolloutExplain, EndsWithDecisionNextAndWhoWaits) {
  RolloutStatus status = broken_release();
  status.decisions = {{0, "start", "operator", "alice started it"},
                      {1'714'564'830'250, "hold", "errors", "shop-v2 fails more often"}};
  status.next = "25 % go to shop-v2, at the earliest then";
  status.next_ms = 1'714'608'000'000;
  status.queued = "build-43";
  const auto sentences = explain(status);
  ASSERT_GE(sentences.size(), 3U);
  const auto last = sentences.end() - 3;
  EXPECT_EQ(last[0],
            "Last decision, 2024-05-01 12:00:30 UTC: hold (errors): shop-v2 fails more often.");
  EXPECT_EQ(last[1], "Next: 25 % go to shop-v2, at the earliest then (2024-05-02 00:00:00 UTC).");
  EXPECT_EQ(last[2], "build-43 waits behind this rollout.");
}

TEST(RolloutExplain, EmptyStatusStillReads) {
  EXPECT_FALSE(explain(RolloutStatus{}).empty());
}

TEST(RolloutWords, StatesHaveTheWordsOfTheContract) {
  EXPECT_EQ(to_string(RolloutState::mirroring), "mirroring");
  EXPECT_EQ(to_string(RolloutState::rolling_back), "rolling_back");
  EXPECT_EQ(to_string(Stream::client_errors), "client_errors");
  EXPECT_EQ(to_string(RolloutVerb::promote_full), "promote_full");
}

TEST(RolloutWords, OnlyTheTwoEndsAreNotActive) {
  for (int state = 0; state <= static_cast<int>(RolloutState::rolled_back); ++state) {
    const auto named = static_cast<RolloutState>(state);
    EXPECT_EQ(is_active(named), named != RolloutState::done && named != RolloutState::rolled_back)
        << to_string(named);
  }
}

}  // namespace
}  // namespace sluice::core
