#include "proxy/state_json.hpp"
#include "tests/proxy/control_side.hpp"

/// Drains over a restart and a change of the deciding process.
namespace sluice::proxy {
namespace {

/// Begins a drain of v1; whether the call was allowed.
bool drains_v1(Side& side, std::optional<milliseconds> deadline) {
  std::optional<bool> is_begun;
  side.control->drain({"v1", "", deadline}, alice, [&](const Outcome<DrainStatus>& begun) {
    is_begun = static_cast<bool>(begun);
  });
  return work({&side}, [&] { return is_begun.has_value(); }) && *is_begun;
}

/// The moment that is kept as the deadline of the one drain.
std::optional<std::int64_t> kept_deadline(const Side& side) {
  const auto kept = read_state_text(support::read_file(side.state.path()));
  if (!kept || kept->drains.size() != 1) throw support::Failure("not one drain is kept");
  return kept->drains[0].deadline_ms;
}

TEST(ControlDrain, ADrainThatIsInForceAtTheStartComesToItsEnd) {
  const support::TempDir folder;
  std::optional<std::int64_t> deadline;
  {
    Side side(settings_in(folder.file("state")));
    ASSERT_TRUE(work({&side}, [&] { return side.is_ready; }));
    ASSERT_TRUE(drains_v1(side, std::nullopt));
    EXPECT_EQ(kept_deadline(side), std::nullopt);
    ASSERT_TRUE(drains_v1(side, std::chrono::hours(1)));
    deadline = kept_deadline(side);
    ASSERT_TRUE(deadline);
    ASSERT_TRUE(drains_v1(side, std::nullopt));
    EXPECT_EQ(kept_deadline(side), deadline) << "an order without one leaves it";
    EXPECT_TRUE(work({&side}, [&] { return side.recorder->count("drained v1 cut 0") > 0; }));
  }
  Side again(settings_in(folder.file("state")));
  EXPECT_TRUE(work({&again}, [&] { return again.recorder->count("drained v1 cut 0") == 1; }));
  ASSERT_TRUE(sets_split(again, 10, 90)) << "the state is written once more";
  EXPECT_EQ(kept_deadline(again), deadline);
}

TEST(ControlDrain, WhoTakesOverHasFollowedADrainAlready) {
  const support::TempDir folder;
  Side old(settings_in(folder.file("state")));
  Side next(settings_in(folder.file("state")));
  ASSERT_TRUE(work({&old, &next}, [&] { return old.is_ready && next.is_ready; }));
  ASSERT_TRUE(drains_v1(old, std::chrono::hours(1)));
  const auto deadline = kept_deadline(old);
  const auto ends = [&] { return next.recorder->count("drained v1 cut 0"); };
  EXPECT_TRUE(work({&old, &next}, [&] { return ends() == 1; }));
  old.control->hand_over([] {});
  ASSERT_TRUE(work({&old, &next}, [&] { return next.control->decides(); }));
  ASSERT_TRUE(sets_split(next, 10, 90));
  EXPECT_EQ(kept_deadline(next), deadline);
  EXPECT_EQ(ends(), 1U) << "it is told once";
}

}  // namespace
}  // namespace sluice::proxy
