#include <filesystem>

#include "tests/proxy/reloads_process.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::proxy {
namespace {

namespace fs = std::filesystem;
using namespace reloading;

TEST(ReloadsKeep, TheHistorySurvivesARestart) {
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

TEST(ReloadsKeep, AHistoryThatCannotBeUsedBeginsAnew) {
  support::TempDir folder;
  std::filesystem::create_directories(folder.file("settings"));
  support::write_file(folder.file("settings/history.json"), "{ torn");
  const std::string state = folder.file("");
  Process process("a", state);
  EXPECT_EQ(process.history(), Lines{"1 start a"});
  EXPECT_TRUE(std::filesystem::exists(folder.file("settings/history.json.unusable")));
  ASSERT_TRUE(process.reload("b"));
}

TEST(ReloadsKeep, AHistoryThatCannotBeWrittenStopsNothing) {
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

TEST(ReloadsKeep, AHistoryThatCouldNotBeWrittenIsWrittenWhenThatIsPossible) {
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

TEST(ReloadsKeep, AFolderThatAnotherProcessHoldsIsNotWritten) {
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

TEST(ReloadsKeep, WhoTakesOverKeepsWhatTheOtherOneWrote) {
  Heirs heirs;
  Process& next = *heirs.next;
  next.ground.held_by = "";
  ASSERT_TRUE(next.reload("a")) << "nothing to change";
  EXPECT_EQ(heirs.on_disk(), (Lines{"1 start a", "2 reload x", "3 took over a"}));
  EXPECT_EQ(next.reloads.status().record, 3U);
  EXPECT_EQ(next.reloads.history().front().changes, (Lines{"route a added", "route x removed"}));
}

TEST(ReloadsKeep, WhoTakesOverWritesAtOnceWhatRunsInIt) {
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

TEST(ReloadsKeep, TheWayBackLeadsToWhatRanHereAndNotInTheOtherProcess) {
  Heirs heirs;
  Process& next = *heirs.next;
  next.ground.held_by = "";
  ASSERT_TRUE(next.reload("b", {.confirm = milliseconds(50)}));
  ASSERT_TRUE(next.run_until([&] { return next.in_force() == "a"; }));
  EXPECT_EQ(next.history().front(), "5 confirmation did not come a");
}

TEST(ReloadsKeep, AReloadOnTrialKeepsItsPlaceWhenTheDecisionComes) {
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

TEST(ReloadsKeep, AHistoryThatIsDeletedMeanwhileGoesOnWithWhatIsKnown) {
  Heirs heirs;
  Process& next = *heirs.next;
  fs::remove(heirs.history);
  next.ground.held_by = "";
  ASSERT_TRUE(next.reload("b", {.confirm = milliseconds(50)}));
  EXPECT_EQ(heirs.on_disk(), (Lines{"1 start a", "2 reload b"}));
  EXPECT_TRUE(next.run_until([&] { return next.in_force() == "a"; }));
}

TEST(ReloadsKeep, WhoTakesOverWritesOverNothingThatItCannotRead) {
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
