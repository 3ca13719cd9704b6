#include "proxy/rollout_queries.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/proxy/kept_log.hpp"
#include "tests/proxy/loop.hpp"
#include "tests/support/socket.hpp"
#include "tests/support/test_backend.hpp"

namespace sluice::proxy {
namespace {

using support::Exchange;
using support::TestBackend;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::Loop;
using testing::milliseconds;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr std::chrono::hours asked_once{1};

using Sample = std::pair<std::size_t, bool>;

QuerySettings query_to(const std::string& address, milliseconds interval = asked_once) {
  QuerySettings query;
  query.prometheus = "http://" + address;
  query.expr = "max(cpu)";
  query.bad_when = "> 0.85";
  query.interval = interval;
  return query;
}

support::Script with_values(std::vector<std::string> values) {
  return [values = std::move(values)](Exchange& exchange) {
    std::string series;
    for (const std::string& value : values) {
      series += (series.empty() ? "" : ",") + (R"({"metric":{},"value":[1.5,")" + value + "\"]}");
    }
    exchange.answer(
        200, R"({"status":"success","data":{"resultType":"vector","result":[)" + series + "]}}");
  };
}

class RolloutQueriesTest : public ::testing::Test {
 protected:
  void make(std::vector<QuerySettings> queries) {
    queries_ = std::make_unique<RolloutQueries>(
        loop_.io(), std::move(queries), log_.sink(),
        [this](std::size_t query, bool is_bad) { samples_.emplace_back(query, is_bad); });
  }
  bool run_until_samples(std::size_t count) {
    return loop_.run_until([&] { return samples_.size() >= count; });
  }
  /// The sample when the server has these values.
  bool is_bad(std::vector<std::string> values) {
    backend_.set_script(with_values(std::move(values)));
    make({query_to(backend_.address())});
    EXPECT_TRUE(run_until_samples(1));
    return std::exchange(samples_, {}).at(0).second;
  }

  Loop loop_;
  TestBackend backend_{"prometheus", with_values({"0.5"})};
  testing::KeptLog log_;
  std::vector<Sample> samples_;
  std::unique_ptr<RolloutQueries> queries_;
};

TEST_F(RolloutQueriesTest, AQueryIsAskedAtOnce) {
  QuerySettings query = query_to(backend_.address() + "/prometheus/");
  query.expr = "max(cpu{pool='v2'})";
  make({query});
  EXPECT_THAT(samples_, IsEmpty()) << "asked_once from inside the call";
  ASSERT_TRUE(run_until_samples(1));
  const auto request = backend_.last();
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.target, "/prometheus/api/v1/query?query=max%28cpu%7Bpool%3D%27v2%27%7D%29");
  loop_.settle();
  EXPECT_THAT(samples_, ElementsAre(Pair(0U, false)));
  EXPECT_EQ(backend_.request_count(), 1U) << "the next one only after the interval";
}

TEST_F(RolloutQueriesTest, ASampleIsBadWhenAnyValueIs) {
  EXPECT_FALSE(is_bad({"0.85"}));
  EXPECT_TRUE(is_bad({"0.86"}));
  EXPECT_TRUE(is_bad({"0.1", "0.9", "0.2"}));
  EXPECT_FALSE(is_bad({"0.1", "NaN", "0.2"}));
  EXPECT_TRUE(is_bad({"+Inf"}));
  EXPECT_FALSE(is_bad({"-Inf"}));
  EXPECT_THAT(log_.lines(), IsEmpty());
}

TEST_F(RolloutQueriesTest, AQueryIsAskedAgainAfterItsInterval) {
  const TimePoint start = Clock::now();
  make({query_to(backend_.address(), milliseconds(50))});
  ASSERT_TRUE(run_until_samples(3));
  EXPECT_GE(Clock::now() - start, milliseconds(90)) << "two intervals, each 10 % shorter at most";
}

TEST_F(RolloutQueriesTest, EachQueryHasItsOwnSamples) {
  TestBackend other("other", with_values({"0.9"}));
  make(
      {query_to(support::free_address()), query_to(backend_.address()), query_to(other.address())});
  ASSERT_TRUE(run_until_samples(2));
  ASSERT_TRUE(loop_.run_until([&] { return !log_.lines().empty(); }));
  EXPECT_THAT(samples_, ::testing::UnorderedElementsAre(Pair(1U, false), Pair(2U, true)));
}

TEST_F(RolloutQueriesTest, AQueryWithoutAConditionIsNotAsked) {
  QuerySettings unasked = query_to(backend_.address());
  unasked.bad_when = "bad";
  make({unasked, query_to(backend_.address())});
  ASSERT_TRUE(run_until_samples(1));
  loop_.settle();
  EXPECT_THAT(samples_, ElementsAre(Pair(1U, false)));
  EXPECT_EQ(backend_.request_count(), 1U);
}

TEST_F(RolloutQueriesTest, AFailureIsNoSample) {
  const auto answers = [](unsigned status, std::string body) {
    return [=](Exchange& exchange) { exchange.answer(status, body); };
  };
  const std::vector<std::pair<support::Script, std::string>> cases = {
      {with_values({}), "the result has no value"},
      {with_values({"NaN"}), "the result has no value"},
      {with_values({"much"}), "the vector of the answer is malformed"},
      {answers(422, R"({"status":"error","error":"too many samples"})"),
       "status 422: \"too many samples\""},
      {answers(500, ""), "status 500"},
      {answers(200, "{}"), "the answer has no data"},
  };
  std::size_t failures = 0;
  for (const auto& [script, why] : cases) {
    backend_.set_script(script);
    make({query_to(backend_.address())});
    ASSERT_TRUE(loop_.run_until([&] { return log_.lines().size() > failures; })) << why;
    EXPECT_EQ(log_.of(LogLevel::warn).at(failures++),
              "the query \"max(cpu)\" to http://" + backend_.address() +
                  " gives no sample, which is no evidence: " + why);
  }
  EXPECT_THAT(samples_, IsEmpty());
}

TEST_F(RolloutQueriesTest, TheLogHearsWhenItBeginsToFailAndWhenItEnds) {
  // The interval bounds the answer, too: long enough for a busy machine.
  make({query_to(backend_.address(), milliseconds(150))});
  ASSERT_TRUE(run_until_samples(2));
  for (std::size_t round = 1; round <= 2; ++round) {
    backend_.set_script([](Exchange& exchange) { exchange.answer(503, ""); });
    ASSERT_TRUE(loop_.run_until([&] { return log_.of(LogLevel::warn).size() == round; }));
    const std::size_t asked = backend_.request_count();
    const std::size_t sampled = samples_.size();
    ASSERT_TRUE(loop_.run_until([&] { return backend_.request_count() > asked + 3; }));
    EXPECT_EQ(samples_.size(), sampled);
    backend_.set_script(with_values({"0.5"}));
    ASSERT_TRUE(run_until_samples(sampled + 2));
    EXPECT_THAT(log_.of(LogLevel::warn), SizeIs(round)) << "not one for each failure";
    EXPECT_THAT(log_.of(LogLevel::info), SizeIs(round));
  }
}

TEST_F(RolloutQueriesTest, ASilentServerIsNoSampleAndIsAskedAgain) {
  backend_.set_script([](Exchange& exchange) { exchange.stream().fill(); });
  make({query_to(backend_.address(), milliseconds(50))});
  ASSERT_TRUE(loop_.run_until([&] { return backend_.request_count() >= 2; }));
  EXPECT_THAT(log_.of(LogLevel::warn),
              ElementsAre(::testing::EndsWith(": no answer within 50 ms")));
  EXPECT_THAT(samples_, IsEmpty());
}

TEST_F(RolloutQueriesTest, NothingIsCalledAfterItsEnd) {
  backend_.set_script([](Exchange& exchange) { exchange.stream().fill(); });
  make({query_to(backend_.address())});
  ASSERT_TRUE(loop_.run_until([&] { return backend_.request_count() == 1; }));
  queries_.reset();
  EXPECT_TRUE(loop_.run_until([&] { return backend_.open() == 0; })) << "the question is ended";
  loop_.settle();
  EXPECT_THAT(samples_, IsEmpty());
  EXPECT_THAT(log_.lines(), IsEmpty());
}

TEST_F(RolloutQueriesTest, ItMayEndInsideASample) {
  unsigned samples = 0;
  std::unique_ptr<RolloutQueries> queries;
  queries =
      std::make_unique<RolloutQueries>(loop_.io(),
                                       std::vector{query_to(backend_.address(), milliseconds(500)),
                                                   query_to(backend_.address(), milliseconds(500))},
                                       LogSink(), [&](std::size_t, bool) {
                                         ++samples;
                                         queries.reset();
                                       });
  ASSERT_TRUE(loop_.run_until([&] { return samples > 0; }));
  loop_.settle();
  EXPECT_EQ(samples, 1U);
}

}  // namespace
}  // namespace sluice::proxy
