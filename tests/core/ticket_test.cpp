#include "core/ticket.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace sluice::core {
namespace {

static_assert(!std::is_copy_constructible_v<Ticket> && !std::is_copy_assignable_v<Ticket>);
static_assert(std::is_nothrow_move_constructible_v<Ticket>);

TEST(TicketTest, AnEmptyOneHasNoBackendAndCountsNothing) {
  Ticket ticket;
  EXPECT_FALSE(ticket);
  ticket.finish();
  ticket.fail(FailureReason::reset);
  EXPECT_FALSE(ticket);
}

TEST(TicketTest, CountsFromTheMomentOfChoiceUntilItIsFinished) {
  Backend backend;
  Ticket ticket(backend);
  EXPECT_TRUE(ticket);
  EXPECT_EQ(backend.in_flight, 1U);
  EXPECT_EQ(backend.requests, 1U);
  ticket.finish();
  EXPECT_FALSE(ticket);
  EXPECT_EQ(backend.in_flight, 0U);
  EXPECT_EQ(backend.requests, 1U);
}

TEST(TicketTest, FinishesOnlyOnce) {
  Backend backend;
  const Ticket other(backend);
  {
    Ticket ticket(backend);
    ticket.finish();
    ticket.finish();
    ticket.fail(FailureReason::reset);
  }
  EXPECT_EQ(backend.in_flight, 1U);
  EXPECT_EQ(backend.failures[static_cast<std::size_t>(FailureReason::reset)], 0U);
}

TEST(TicketTest, IsGivenBackWhenAbandoned) {
  Backend backend;
  { const Ticket ticket(backend); }
  EXPECT_EQ(backend.in_flight, 0U);
  EXPECT_TRUE(backend.is_quiet());
}

TEST(TicketTest, CountsOnceWhenItMoves) {
  Backend backend;
  {
    Ticket first(backend);
    Ticket second(std::move(first));
    EXPECT_EQ(backend.in_flight, 1U);
    std::vector<Ticket> tickets;
    tickets.push_back(std::move(second));
    tickets.reserve(tickets.capacity() + 10);
    EXPECT_EQ(backend.in_flight, 1U);
    EXPECT_EQ(&tickets.front().backend(), &backend);
  }
  EXPECT_EQ(backend.in_flight, 0U);
  EXPECT_EQ(backend.requests, 1U);
}

TEST(TicketTest, AssignmentGivesBackTheOldOne) {
  Backend old;
  Backend fresh;
  Ticket ticket(old);
  ticket.upgrade();
  ticket = Ticket(fresh);
  EXPECT_TRUE(old.is_quiet());
  EXPECT_EQ(fresh.in_flight, 1U);
  ticket.finish();
  EXPECT_TRUE(fresh.is_quiet());
}

TEST(TicketTest, AssignmentToItselfChangesNothing) {
  Backend backend;
  Ticket ticket(backend);
  Ticket& same = ticket;
  ticket = std::move(same);
  EXPECT_EQ(backend.in_flight, 1U);
}

TEST(TicketTest, ATunnelCountsAsUpgradedAndNoLongerInFlight) {
  Backend backend;
  {
    Ticket ticket(backend);
    ticket.upgrade();
    EXPECT_EQ(backend.in_flight, 0U);
    EXPECT_EQ(backend.upgraded, 1U);
    EXPECT_FALSE(backend.is_quiet());
    Ticket moved(std::move(ticket));
    EXPECT_EQ(backend.upgraded, 1U);
  }
  EXPECT_EQ(backend.upgraded, 0U);
  EXPECT_TRUE(backend.is_quiet());
}

TEST(TicketTest, AFailureIsCountedUnderItsReasonAndFinishes) {
  Backend backend;
  Ticket ticket(backend);
  ticket.fail(FailureReason::connect_timeout);
  EXPECT_FALSE(ticket);
  EXPECT_EQ(backend.in_flight, 0U);
  for (std::size_t i = 0; i < backend.failures.size(); ++i) {
    const bool is_reason = i == static_cast<std::size_t>(FailureReason::connect_timeout);
    EXPECT_EQ(backend.failures[i], is_reason ? 1U : 0U);
  }
}

TEST(BackendTest, AdmitsOnlyWhenUpAndNotDraining) {
  for (const bool up : {false, true}) {
    for (const bool draining : {false, true}) {
      Backend backend;
      backend.up = up;
      backend.draining = draining;
      EXPECT_EQ(backend.admits(), up && !draining);
    }
  }
}

TEST(BackendTest, IsQuietOnlyWithEveryCountAtZero) {
  EXPECT_TRUE(Backend{}.is_quiet());
  for (std::uint32_t Backend::*count : {&Backend::in_flight, &Backend::upgraded, &Backend::open}) {
    Backend backend;
    backend.*count = 1;
    EXPECT_FALSE(backend.is_quiet());
  }
}

TEST(FailureReasonTest, EachHasALabelOfItsOwn) {
  std::set<std::string> labels;
  for (std::size_t i = 0; i < static_cast<std::size_t>(FailureReason::count_); ++i) {
    const std::string label(to_string(static_cast<FailureReason>(i)));
    EXPECT_NE(label, "unknown");
    EXPECT_EQ(label.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string::npos) << label;
    labels.insert(label);
  }
  EXPECT_EQ(labels.size(), static_cast<std::size_t>(FailureReason::count_));
}

}  // namespace
}  // namespace sluice::core
