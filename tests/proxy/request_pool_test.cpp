#include "proxy/request_pool.hpp"

#include <gtest/gtest.h>

#include <string>

#include "proxy/request.hpp"

namespace sluice::proxy {
namespace {

TEST(RequestPoolTest, GivesTheLastOneBackAsNew) {
  RequestPool pool;
  auto request = pool.take();
  const Request* first = request.get();
  request->persists = request->is_head = request->accepts_json = true;
  request->record.status = 200;
  request->record.path = "/somewhere";
  request->plan = make_local<LivePlan>();
  LocalPtr<LivePlan> pinned = request->plan;
  pool.give_back(std::move(request));
  EXPECT_FALSE(pinned.is_shared()) << "an idle request pins no plan";
  request = pool.take();
  EXPECT_EQ(request.get(), first);
  EXPECT_FALSE(request->persists || request->is_head || request->accepts_json);
  EXPECT_EQ(request->record.status, 0U);
  EXPECT_TRUE(request->record.path.empty());
}

TEST(RequestPoolTest, KeepsWhatMostRequestsNeedAndNoMore) {
  RequestPool pool;
  auto request = pool.take();
  request->backend_head.assign(1000, 'x');
  request->out.assign(100'000, 'x');
  const std::size_t usual = request->backend_head.capacity();
  pool.give_back(std::move(request));
  request = pool.take();
  EXPECT_EQ(request->backend_head.capacity(), usual);
  EXPECT_LT(request->out.capacity(), 10'000U);
}

TEST(RequestPoolTest, TwoAtOnceAreTwo) {
  RequestPool pool;
  const auto one = pool.take();
  const auto two = pool.take();
  EXPECT_NE(one.get(), two.get());
}

}  // namespace
}  // namespace sluice::proxy
