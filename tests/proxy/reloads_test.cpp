#include "proxy/reloads.hpp"

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include "core/text_hash.hpp"
#include "tests/proxy/running_proxy.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::proxy {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;

/// What a text means: one route whose name is the text. "bad" means nothing.
Settings settings_of(const std::string& text) {
  Settings settings;
  settings.routes.push_back({.name = text});
  return settings;
}

/// Takes everything over, unless it is told not to.
class Ground : public ReloadGround {
 public:
  explicit Ground(boost::asio::io_context& control) : io(control) {}

  const Settings& configured_settings() const override { return configured; }
  std::uint64_t generation() const override { return plan; }
  const core::Overrides& overrides() const override { return changed; }
  std::string ends_rollout(const Settings&) const override { return rollout; }
  Outcome<std::vector<std::string>> try_settings(const Settings& next) const override {
    if (deny) return *deny;
    return std::vector<std::string>{"would drop the weights of " + next.routes.front().name};
  }
  std::optional<Denial> put_settings(SettingsDraft draft, const Actor& actor,
                                     std::function<void(ReloadStatus)> done) override {
    ++tries;
    if (deny) return deny;
    configured = std::move(draft.settings);
    if (draft.overrides) changed = std::move(*draft.overrides);
    if (std::exchange(drops, false)) changed = {};
    whys.push_back(actor.why);
    ReloadStatus status;
    status.generation = ++plan;
    status.notices = {"dropped"};
    boost::asio::post(io, [done = std::move(done), status] { done(status); });
    return std::nullopt;
  }
  const std::string& state_held_by() const override { return held_by; }

  boost::asio::io_context& io;
  Settings configured;
  std::uint64_t plan = 1;
  std::optional<Denial> deny;
  int tries = 0;
  std::string held_by;
  core::Overrides changed;
  bool drops = false;  ///< what was changed at run time, at the next settings
  std::string rollout;
  std::vector<std::string> whys;
};

/// One process; the file and the folder are those of the test.
struct Process {
  Process(const std::string& file_text, const std::string& state_dir, bool reads = true,
          const std::string& held_by = "")
      : file(file_text),
        ground(io),
        reloads({io, notices, ground, state_dir, reads ? reader() : ReadSettings{},
                 reads ? file_text : ""}) {
    ground.configured = settings_of(file_text);
    ground.held_by = held_by;
    reloads.start();
    io.poll();
  }
  ~Process() { reloads.stop(); }

  ReadSettings reader() {
    return [this](const std::optional<std::string>& text) {
      SettingsSource source;
      source.text = text.value_or(file);
      if (source.text == "throws") throw std::runtime_error("the vault is sealed");
      if (source.text == "strange") throw 7;
      if (source.text == "bad") {
        source.problems = {{"file:1:1", "this is bad"}, {"file:2:1", "and this"}};
      } else {
        source.settings = settings_of(source.text);
      }
      return source;
    };
  }

  using Call = std::function<void(Done<ReloadStatus>)>;
  Outcome<ReloadStatus> answer_to(const Call& call) {
    std::optional<Outcome<ReloadStatus>> got;
    call([&](Outcome<ReloadStatus> outcome) {
      EXPECT_FALSE(got) << "answered twice";
      got = std::move(outcome);
    });
    EXPECT_FALSE(got) << "answered inside of the call";
    EXPECT_TRUE(run_until([&] { return got.has_value(); }));
    return got ? *got : Outcome<ReloadStatus>(Denial{});
  }
  Outcome<ReloadStatus> reload(const std::string& text, ReloadOrder order = {}) {
    file = text;
    return answer_to([&](auto done) { reloads.reload(order, alice, done); });
  }
  Outcome<ReloadStatus> roll_back(const std::string& which, ReloadOrder order = {}) {
    return answer_to([&](auto done) { reloads.roll_back(which, order, alice, done); });
  }
  Outcome<ReloadStatus> confirm(std::optional<std::uint64_t> record = {}) {
    return answer_to([&](auto done) { reloads.confirm(record, alice, done); });
  }
  Outcome<ReloadStatus> take(const std::string& text) {
    return answer_to([&](auto done) { reloads.take(settings_of(text), alice, done); });
  }

  /// Runs the control thread's loop until it holds.
  bool run_until(const std::function<bool()>& holds) {
    const support::Deadline deadline;
    while (!holds() && !deadline.passed()) {
      io.restart();
      io.run_one_for(std::chrono::milliseconds(10));
    }
    return holds();
  }
  std::string in_force() const { return ground.configured.routes.front().name; }
  /// "3 reload a->b" and the like, newest first: number, why and text.
  std::vector<std::string> history() const {
    std::vector<std::string> lines;
    for (const ReloadRecord& record : reloads.history()) {
      lines.push_back(std::to_string(record.number) + " " + record.why + " " + record.text);
    }
    return lines;
  }

  std::string file;
  const Actor alice{"alice", "127.0.0.1:1", "admin call"};
  boost::asio::io_context io;
  std::shared_ptr<Recorder> log = std::make_shared<Recorder>();
  Notices notices{io, log};
  Ground ground;
  Reloads reloads;
};

using Lines = std::vector<std::string>;

TEST(Reloads, TheStartIsTheFirstRecord) {
  Process process("a", "");
  EXPECT_EQ(process.history(), Lines{"1 start a"});
  const SettingsStatus status = process.reloads.status();
  EXPECT_EQ(status.record, 1U);
  EXPECT_EQ(status.hash, core::text_hash("a"));
  EXPECT_FALSE(status.file_differs);
  EXPECT_TRUE(process.reloads.is_last_ok());
  EXPECT_GT(process.reloads.last_taken_ms(), 0);
}

TEST(Reloads, WhatIsReadIsPutInForceAndRecorded) {
  Process process("a", "");
  const auto status = process.reload("b");
  ASSERT_TRUE(status) << status.error().detail;
  EXPECT_EQ(process.in_force(), "b");
  EXPECT_EQ(status->generation, 2U);
  EXPECT_EQ(status->record, 2U);
  EXPECT_EQ(status->notices, Lines{"dropped"});
  ASSERT_EQ(status->changes.size(), 2U);
  EXPECT_EQ(status->changes[0], (SettingsChange{"route b", ChangeKind::added}));
  const ReloadRecord newest = process.reloads.history().front();
  EXPECT_EQ(newest.who, "alice");
  EXPECT_EQ(newest.from, "127.0.0.1:1");
  EXPECT_EQ(newest.changes, (Lines{"route b added", "route a removed"}));
  EXPECT_EQ(process.history(), (Lines{"2 reload b", "1 start a"}));
}

TEST(Reloads, TheSameSettingsMakeNoPlanAndNoRecord) {
  Process process("a", "");
  const auto status = process.reload("a");
  ASSERT_TRUE(status);
  EXPECT_TRUE(status->changes.empty());
  EXPECT_EQ(status->generation, 1U);
  EXPECT_EQ(status->record, 1U);
  EXPECT_TRUE(process.ground.whys.empty());
}

TEST(Reloads, AnotherTextForTheSameSettingsIsRecordedWithoutAPlan) {
  Process process("a", "");
  process.ground.configured = settings_of("a # with a comment");
  const auto status = process.reload("a # with a comment");
  ASSERT_TRUE(status);
  EXPECT_EQ(status->generation, 1U);
  EXPECT_EQ(process.history(), (Lines{"2 reload a # with a comment", "1 start a"}));
}

TEST(Reloads, BadSettingsChangeNothingAndEveryProblemIsTold) {
  Process process("a", "");
  const auto status = process.reload("bad");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().status, 422U);
  EXPECT_EQ(status.error().problems.size(), 2U);
  EXPECT_EQ(process.in_force(), "a");
  EXPECT_FALSE(process.reloads.is_last_ok());
  EXPECT_EQ(process.history(), Lines{"1 start a"});
  ASSERT_TRUE(process.reload("a"));
  EXPECT_TRUE(process.reloads.is_last_ok());
}

TEST(Reloads, AReaderThatThrowsIsAProblem) {
  Process process("a", "");
  const auto status = process.reload("throws");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().status, 422U);
  EXPECT_EQ(status.error().detail, "nothing was changed; they cannot be read: the vault is sealed");
  EXPECT_EQ(process.reload("strange").error().status, 422U);
  EXPECT_EQ(process.in_force(), "a");
  EXPECT_FALSE(process.reloads.is_last_ok());
  ASSERT_TRUE(process.reload("b"));
  process.file = "throws";
  ASSERT_TRUE(process.roll_back("1")) << "that text can be read";
  EXPECT_TRUE(process.reloads.status().file_differs);
}

TEST(Reloads, WhatTheProxyRefusesIsNotRecorded) {
  Process process("a", "");
  process.ground.deny = Denial{409, "The proxy stops", "give them to its successor"};
  EXPECT_EQ(process.reload("b").error().status, 409U);
  EXPECT_FALSE(process.reloads.is_last_ok());
  EXPECT_EQ(process.history(), Lines{"1 start a"});
}

TEST(Reloads, ADryRunOnlyTells) {
  Process process("a", "");
  const auto status = process.reload("b", {.dry_run = true});
  ASSERT_TRUE(status);
  EXPECT_TRUE(status->is_dry_run);
  EXPECT_EQ(status->changes.size(), 2U);
  EXPECT_EQ(status->notices, Lines{"would drop the weights of b"});
  EXPECT_EQ(process.in_force(), "a");
  EXPECT_EQ(process.history(), Lines{"1 start a"});
  EXPECT_FALSE(process.reload("bad", {.dry_run = true}));
  EXPECT_TRUE(process.reloads.is_last_ok()) << "a dry run is no reload";
}

TEST(Reloads, WithoutConfirmationTheSettingsBeforeComeBack) {
  Process process("a", "");
  const auto status = process.reload("b", {.confirm = milliseconds(50)});
  ASSERT_TRUE(status);
  EXPECT_GT(status->confirm_by_ms, 0);
  EXPECT_EQ(process.in_force(), "b");
  EXPECT_TRUE(process.run_until([&] { return process.in_force() == "a"; }));
  EXPECT_EQ(process.history(), (Lines{"3 confirmation did not come a", "2 reload b", "1 start a"}));
  EXPECT_EQ(process.ground.whys, (Lines{"admin call", "confirmation did not come"}));
  EXPECT_TRUE(process.reloads.status().file_differs) << "the file still says b";
  EXPECT_EQ(process.reloads.status().confirm_by_ms, 0);
  EXPECT_EQ(process.confirm().error().status, 409U) << "it is too late";
}

core::SplitOverride weights_of(const std::string& route, std::uint64_t revision) {
  core::SplitOverride split;
  split.route = route;
  split.weights = {{"v2", 100}};
  split.revision = revision;
  return split;
}

TEST(Reloads, WhatTheReloadDroppedComesBackWithTheSettingsBefore) {
  Process process("a", "");
  process.ground.changed.splits = {weights_of("a", 2)};
  ASSERT_TRUE(process.reload("b", {.confirm = milliseconds(50)}));
  process.ground.changed.splits.clear();
  EXPECT_TRUE(process.run_until([&] { return process.in_force() == "a"; }));
  EXPECT_TRUE(process.ground.changed.splits.empty())
      << "it was dropped after the reload, so somebody else did it";

  process.ground.changed.splits = {weights_of("a", 2)};
  process.ground.drops = true;
  ASSERT_TRUE(process.reload("b", {.confirm = milliseconds(50)}));
  EXPECT_TRUE(process.ground.changed.splits.empty());
  EXPECT_TRUE(process.run_until([&] { return process.in_force() == "a"; }));
  EXPECT_EQ(process.ground.changed.splits.size(), 1U);
}

TEST(Reloads, AReloadThatEndsARolloutIsNotTakenOnTrial) {
  Process process("a", "");
  process.ground.rollout = "build-42";
  for (const bool dry_run : {true, false}) {
    const auto refused = process.reload("b", {.dry_run = dry_run, .confirm = hours(1)});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().status, 409U);
    EXPECT_NE(refused.error().detail.find("build-42"), std::string::npos);
  }
  EXPECT_EQ(process.in_force(), "a");
  EXPECT_TRUE(process.reload("b")) << "without a way back it is taken";
}

TEST(Reloads, AConfirmedReloadStays) {
  Process process("a", "");
  const auto status = process.reload("b", {.confirm = milliseconds(50)});
  ASSERT_TRUE(status);
  ASSERT_TRUE(process.confirm());
  // A second one that waits proves that the time of the first is over.
  ASSERT_TRUE(process.reload("c", {.confirm = milliseconds(100)}));
  EXPECT_TRUE(process.run_until([&] { return process.in_force() != "c"; }));
  EXPECT_EQ(process.in_force(), "b");
  EXPECT_EQ(process.history(),
            (Lines{"4 confirmation did not come b", "3 reload c", "2 reload b", "1 start a"}));
}

TEST(Reloads, ALateConfirmationDoesNotCountForTheNextReload) {
  Process process("a", "");
  const auto first = process.reload("b", {.confirm = milliseconds(1)});
  ASSERT_TRUE(process.run_until([&] { return process.in_force() == "a"; }));
  const auto second = process.reload("c", {.confirm = hours(1)});
  ASSERT_TRUE(second);
  const auto late = process.confirm(first->record);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().status, 409U);
  EXPECT_NE(late.error().detail.find("record 4 waits"), std::string::npos) << late.error().detail;
  EXPECT_GT(process.reloads.status().confirm_by_ms, 0);
  EXPECT_TRUE(process.confirm(second->record));
}

TEST(Reloads, NothingElseIsTakenWhileAConfirmationIsAwaited) {
  Process process("a", "");
  ASSERT_TRUE(process.reload("b", {.confirm = hours(1)}));
  const auto second = process.reload("c");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().status, 409U);
  EXPECT_NE(second.error().detail.find("record 2"), std::string::npos) << second.error().detail;
  EXPECT_EQ(process.roll_back("1").error().status, 409U);
  EXPECT_EQ(process.take("d").error().status, 409U);
  EXPECT_TRUE(process.reload("c", {.dry_run = true})) << "looking is free";
  EXPECT_EQ(process.in_force(), "b");
  ASSERT_TRUE(process.confirm());
  EXPECT_TRUE(process.reload("c"));
  EXPECT_EQ(process.in_force(), "c");
}

TEST(Reloads, AReloadThatChangesNothingAwaitsNoConfirmation) {
  Process process("a", "");
  const auto status = process.reload("a", {.confirm = hours(1)});
  ASSERT_TRUE(status);
  EXPECT_EQ(status->confirm_by_ms, 0);
  EXPECT_EQ(process.confirm().error().status, 409U);
}

TEST(Reloads, AWayBackThatIsRefusedIsTriedAgain) {
  Process process("a", "");
  ASSERT_TRUE(process.reload("b", {.confirm = milliseconds(1)}));
  process.ground.deny = Denial{422, "No", "an address is in use"};
  EXPECT_TRUE(process.run_until([&] { return !process.reloads.is_last_ok(); }));
  EXPECT_EQ(process.in_force(), "b");
  EXPECT_EQ(process.history(), (Lines{"2 reload b", "1 start a"}));
  EXPECT_GT(process.reloads.status().confirm_by_ms, 0) << "it does not look confirmed";
  const auto refused = process.reload("c");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().detail.find("an address is in use"), std::string::npos)
      << refused.error().detail;
  process.ground.deny.reset();
  EXPECT_TRUE(process.run_until([&] { return process.in_force() == "a"; }));
  EXPECT_EQ(process.reloads.status().confirm_by_ms, 0);
  EXPECT_EQ(process.history().front(), "3 confirmation did not come a");
}

TEST(Reloads, AWayBackThatIsRefusedIsToldOnceAndCanStillBeConfirmed) {
  Process process("a", "");
  ASSERT_TRUE(process.reload("b", {.confirm = milliseconds(1)}));
  process.ground.deny = Denial{422, "No", "an address is in use"};
  const auto tries = [&] { return process.ground.tries; };
  const int before = tries();
  ASSERT_TRUE(process.run_until([&] { return tries() >= before + 2; }));
  EXPECT_EQ(process.log->count("do not come back: an address is in use"), 1U);
  ASSERT_TRUE(process.confirm());
  EXPECT_EQ(process.reloads.status().confirm_by_ms, 0);
  EXPECT_EQ(process.in_force(), "b");
}

TEST(Reloads, RollbackGoesToTheRecordOrToTheOneBefore) {
  Process process("a", "");
  ASSERT_TRUE(process.reload("b"));
  ASSERT_TRUE(process.reload("c"));
  const auto first = process.roll_back("1");
  ASSERT_TRUE(first) << first.error().detail;
  EXPECT_EQ(process.in_force(), "a");
  EXPECT_TRUE(first->file_differs);
  EXPECT_EQ(process.history().front(), "4 rollback to 1 a");
  ASSERT_TRUE(process.roll_back("previous"));
  EXPECT_EQ(process.in_force(), "c");
  EXPECT_FALSE(process.reloads.status().file_differs) << "c is what the file says";
  EXPECT_EQ(process.roll_back("77").error().status, 404U);
  EXPECT_TRUE(process.roll_back("2", {.dry_run = true})->is_dry_run);
  EXPECT_EQ(process.in_force(), "c");
}

TEST(Reloads, WithoutAnEarlierOneThereIsNoWayBack) {
  Process process("a", "");
  EXPECT_EQ(process.roll_back("previous").error().status, 404U);
  EXPECT_EQ(process.reloads.record("present")->text, "a");
  EXPECT_EQ(process.reloads.record("1")->text, "a");
  EXPECT_EQ(process.reloads.record("x").error().status, 404U);
}

TEST(Reloads, AReloadReadsTheFileAgainAfterARollback) {
  Process process("a", "");
  ASSERT_TRUE(process.reload("b"));
  ASSERT_TRUE(process.roll_back("previous"));
  EXPECT_EQ(process.in_force(), "a");
  ASSERT_TRUE(process.reload("b"));
  EXPECT_EQ(process.in_force(), "b");
  EXPECT_FALSE(process.reloads.status().file_differs);
}

TEST(Reloads, AProgramGivesSettingsWithoutAText) {
  Process process("a", "", false);
  EXPECT_EQ(process.reload("b").error().status, 501U);
  ASSERT_TRUE(process.take("b"));
  EXPECT_EQ(process.in_force(), "b");
  ASSERT_TRUE(process.take("b")) << "always as a new plan";
  EXPECT_EQ(process.ground.plan, 3U);
  EXPECT_EQ(process.history(), (Lines{"3 library ", "2 library ", "1 start "}));
  EXPECT_EQ(process.roll_back("2").error().status, 409U);
}

TEST(Reloads, TheHistorySurvivesARestart) {
  support::TempDir folder;
  const std::string state = folder.file("state");
  {
    Process process("a", state);
    ASSERT_TRUE(process.reload("b"));
  }
  {
    Process process("b", state);
    EXPECT_EQ(process.history(), (Lines{"2 reload b", "1 start a"})) << "the same text adds none";
    ASSERT_TRUE(process.roll_back("1"));
    EXPECT_EQ(process.in_force(), "a");
  }
  Process process("c", state);
  EXPECT_EQ(process.history().front(), "4 start c");
  EXPECT_EQ(process.reloads.history().front().changes, (Lines{"route c added", "route a removed"}));
}

TEST(Reloads, AHistoryThatCannotBeUsedBeginsAnew) {
  support::TempDir folder;
  std::filesystem::create_directories(folder.file("settings"));
  support::write_file(folder.file("settings/history.json"), "{ torn");
  const std::string state = folder.file("");
  Process process("a", state);
  EXPECT_EQ(process.history(), Lines{"1 start a"});
  EXPECT_TRUE(std::filesystem::exists(folder.file("settings/history.json.unusable")));
  ASSERT_TRUE(process.reload("b"));
}

TEST(Reloads, AHistoryThatCannotBeWrittenStopsNothing) {
  support::TempDir folder;
  support::write_file(folder.file("settings"), "no folder");
  Process process("a", folder.file(""));
  const auto reloaded = process.reload("b");
  ASSERT_TRUE(reloaded);
  EXPECT_EQ(process.in_force(), "b");
  EXPECT_EQ(process.history().front(), "2 reload b");
  ASSERT_EQ(reloaded->notices.size(), 2U);
  EXPECT_NE(reloaded->notices[1].find("is not on disk"), std::string::npos) << reloaded->notices[1];
  EXPECT_EQ(process.reload("b")->notices.size(), 1U) << "also when nothing has changed";
}

TEST(Reloads, AHistoryThatCouldNotBeWrittenIsWrittenWhenThatIsPossible) {
  support::TempDir folder;
  support::write_file(folder.file("settings"), "no folder");
  Process process("a", folder.file(""));
  ASSERT_TRUE(process.reload("b"));
  const auto told = [&](const char* words) { return process.log->count(words); };
  EXPECT_EQ(told("the history of settings is not kept"), 2U) << "at the start and at the reload";
  fs::remove(folder.file("settings"));
  ASSERT_TRUE(process.run_until([&] { return told("is written again") == 1; }));
  EXPECT_EQ(ReloadHistory(folder.file("settings")).load()->size(), 2U);
  EXPECT_EQ(told("the history of settings is not kept"), 2U);
}

TEST(Reloads, AFolderThatAnotherProcessHoldsIsNotWritten) {
  support::TempDir folder;
  const std::string state = folder.file("");
  Process old("a", state);
  ASSERT_TRUE(
      old.run_until([&] { return std::filesystem::exists(state + "/settings/history.json"); }));
  {
    Process next("a", state, true, "process 1");
    ASSERT_TRUE(next.reload("b"));
    EXPECT_EQ(ReloadHistory(state + "/settings").load()->size(), 1U)
        << "only what the holder wrote";
    ASSERT_TRUE(old.reload("x"));
    next.ground.held_by = "";
    ASSERT_TRUE(next.reload("c"));
    EXPECT_EQ(next.history(), (Lines{"4 reload c", "3 reload b", "2 reload x", "1 start a"}))
        << "its records come behind those of the holder";
  }
  EXPECT_EQ(ReloadHistory(state + "/settings").load()->size(), 4U);
}

/// Two processes on one folder; the first one decides, and has put "x" in force.
struct Heirs {
  Heirs() {
    EXPECT_TRUE(old.run_until([&] { return fs::exists(history); }));
    next = std::make_unique<Process>("a", folder.file(""), true, "process 1");
    EXPECT_TRUE(old.reload("x"));
  }
  std::vector<std::string> on_disk() const {
    std::vector<std::string> lines;
    const auto loaded = ReloadHistory(folder.file("settings")).load();
    if (!loaded) return {loaded.error()};
    for (const auto& record : *loaded) {
      lines.push_back(std::to_string(record->number) + " " + record->why + " " + record->text);
    }
    return lines;
  }

  support::TempDir folder;
  const std::string history = folder.file("settings/history.json");
  Process old{"a", folder.file("")};
  std::unique_ptr<Process> next;
};

TEST(Reloads, WhoTakesOverKeepsWhatTheOtherOneWrote) {
  Heirs heirs;
  Process& next = *heirs.next;
  next.ground.held_by = "";
  ASSERT_TRUE(next.reload("a")) << "nothing to change";
  EXPECT_EQ(heirs.on_disk(), (Lines{"1 start a", "2 reload x", "3 took over a"}));
  EXPECT_EQ(next.reloads.status().record, 3U);
  EXPECT_EQ(next.reloads.history().front().changes, (Lines{"route a added", "route x removed"}));
}

TEST(Reloads, WhoTakesOverWritesAtOnceWhatRunsInIt) {
  Heirs heirs;
  Process& next = *heirs.next;
  ASSERT_TRUE(next.reload("b"));
  next.ground.held_by = "";
  next.reloads.begin_to_decide();
  EXPECT_TRUE(next.run_until([&] {
    return heirs.on_disk() == Lines{"1 start a", "2 reload x", "3 reload b"};
  }));
  next.ground.held_by = "process 1";
  next.ground.held_by = "";
  next.reloads.begin_to_decide();
  EXPECT_EQ(next.history(), (Lines{"3 reload b", "2 reload x", "1 start a"})) << "as it was";
}

TEST(Reloads, TheWayBackLeadsToWhatRanHereAndNotInTheOtherProcess) {
  Heirs heirs;
  Process& next = *heirs.next;
  next.ground.held_by = "";
  ASSERT_TRUE(next.reload("b", {.confirm = milliseconds(50)}));
  ASSERT_TRUE(next.run_until([&] { return next.in_force() == "a"; }));
  EXPECT_EQ(next.history().front(), "5 confirmation did not come a");
}

TEST(Reloads, AReloadOnTrialKeepsItsPlaceWhenTheDecisionComes) {
  Heirs heirs;
  Process& next = *heirs.next;
  ASSERT_TRUE(next.reload("b", {.confirm = hours(1)}));
  ASSERT_TRUE(heirs.old.reload("y"));
  next.ground.held_by = "";
  next.reloads.begin_to_decide();
  EXPECT_EQ(next.history().front(), "4 reload b");
  const auto refused = next.reload("c");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().detail.find("record 4"), std::string::npos) << refused.error().detail;
}

TEST(Reloads, AHistoryThatIsDeletedMeanwhileGoesOnWithWhatIsKnown) {
  Heirs heirs;
  Process& next = *heirs.next;
  fs::remove(heirs.history);
  next.ground.held_by = "";
  ASSERT_TRUE(next.reload("b", {.confirm = milliseconds(50)}));
  EXPECT_EQ(heirs.on_disk(), (Lines{"1 start a", "2 reload b"}));
  EXPECT_TRUE(next.run_until([&] { return next.in_force() == "a"; }));
}

TEST(Reloads, WhoTakesOverWritesOverNothingThatItCannotRead) {
  Heirs heirs;
  Process& next = *heirs.next;
  support::write_file(heirs.history, R"({"format":9,"records":[]})");
  next.ground.held_by = "";
  ASSERT_TRUE(next.reload("b"));
  EXPECT_EQ(heirs.on_disk(), (Lines{"1 start a", "2 reload b"}));
  EXPECT_EQ(support::read_file(heirs.history + ".format-9"), R"({"format":9,"records":[]})");
}

}  // namespace
}  // namespace sluice::proxy
