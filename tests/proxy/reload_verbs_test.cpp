#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proxy/program/reload_view.hpp"
#include "tests/proxy/admin_running.hpp"
#include "tests/proxy/verbs_run.hpp"

namespace sluice::proxy::program {
namespace {

class ReloadVerbs : public ::testing::Test {
 protected:
  ReloadVerbs() {
    admin.on_control([](FakeControl& control) {
      control.reload_result.generation = 5;
      control.reload_result.record = 4;
      control.reload_result.changes = {
          {"route shop", ChangeKind::changed, {"split: v1=100 -> v1=90"}},
          {"pool v2", ChangeKind::added}};
      control.history = {{4,
                          1'714'564'800'250,
                          "alice",
                          "unix",
                          "reload",
                          "00ff",
                          {"pool v2 added", "route shop changed"},
                          "[server]\nworkers = 1\n"},
                         {3, 1'714'564'800'000, "sluice", "", "start", "", {}, ""}};
    });
  }

  Ran sluice(std::vector<std::string> words) {
    words.insert(words.end(), {"--admin", admin.address()});
    return run(std::move(words));
  }
  std::vector<std::string> calls() {
    std::vector<std::string> all;
    admin.on_control([&](FakeControl& control) { all = control.calls; });
    return all;
  }
  void deny(const Denial& denial) {
    admin.on_control([&](FakeControl& control) { control.deny = denial; });
  }

  RunningAdmin admin;
};

TEST_F(ReloadVerbs, ReloadShowsWhatChanged) {
  const Ran ran = sluice({"reload"});
  EXPECT_EQ(ran.code, exit_done) << ran.err;
  EXPECT_EQ(ran.out,
            "in force: record 4, generation 5\n"
            "  changed  route shop\n"
            "    split: v1=100 -> v1=90\n"
            "  added    pool v2\n");
  EXPECT_EQ(calls(), std::vector<std::string>{"reload_source"});
}

TEST_F(ReloadVerbs, NothingChangedIsSaid) {
  admin.on_control([](FakeControl& control) { control.reload_result.changes.clear(); });
  EXPECT_EQ(sluice({"reload"}).out, "nothing changed: record 4, generation 5\n");
  EXPECT_EQ(sluice({"reload", "--dry-run"}).out, "nothing would change: record 4, generation 5\n");
}

TEST_F(ReloadVerbs, AConfirmationThatNothingWaitsForIsSaid) {
  admin.on_control([](FakeControl& control) {
    control.reload_result.changes.clear();
    control.reload_result.notices = {"nothing changed, so nothing waits for a confirmation"};
  });
  EXPECT_EQ(sluice({"reload", "--confirm", "60s"}).out,
            "nothing changed: record 4, generation 5\n"
            "note: nothing changed, so nothing waits for a confirmation\n");
}

TEST_F(ReloadVerbs, WishesReachTheProxy) {
  admin.on_control(
      [](FakeControl& control) { control.reload_result.confirm_by_ms = 1'714'564'800'250; });
  const Ran ran = sluice({"reload", "--dry-run", "--confirm", "60s"});
  EXPECT_TRUE(has(ran.out, "dry run, nothing was changed")) << ran.out;
  EXPECT_TRUE(has(ran.out, "goes back at 2024-05-01T12:00:00.250Z unless")) << ran.out;
  EXPECT_TRUE(has(ran.out, "sluice reload confirm --record 4")) << ran.out;
  admin.on_control([](FakeControl& control) {
    EXPECT_TRUE(control.reload_order.dry_run);
    EXPECT_EQ(control.reload_order.confirm, milliseconds(60'000));
  });
}

TEST_F(ReloadVerbs, ConfirmIsAnotherCall) {
  EXPECT_EQ(sluice({"reload", "confirm"}).code, exit_done);
  EXPECT_EQ(calls(), std::vector<std::string>{"confirm_reload"});
}

TEST_F(ReloadVerbs, ConfirmNamesARecord) {
  EXPECT_EQ(sluice({"reload", "confirm", "--record", "7"}).code, exit_done);
  admin.on_control([](FakeControl& control) { EXPECT_EQ(control.confirmed_record, 7U); });
}

TEST_F(ReloadVerbs, EveryProblemHasALineOfItsOwn) {
  deny({422,
        "Settings not acceptable",
        "nothing was changed; and so on",
        {{"sluice.toml:3:1", "no such key"}, {"sluice.toml:9:4", "not a duration"}}});
  const Ran ran = sluice({"reload"});
  EXPECT_EQ(ran.code, exit_refused);
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(ran.err,
            "sluice.toml:3:1: no such key\nsluice.toml:9:4: not a duration\n"
            "sluice: nothing was changed, 2 problems\n");
}

TEST_F(ReloadVerbs, OtherRefusalsAreSaidInOneLine) {
  deny({409, "A reload waits for confirmation", "until noon"});
  const Ran ran = sluice({"reload"});
  EXPECT_EQ(ran.code, exit_refused);
  EXPECT_EQ(ran.err, "sluice: 409 A reload waits for confirmation: until noon\n");
}

TEST_F(ReloadVerbs, TheHistoryIsATable) {
  const Ran ran = sluice({"config", "history"});
  EXPECT_EQ(ran.code, exit_done) << ran.err;
  EXPECT_TRUE(has(ran.out, "RECORD")) << ran.out;
  EXPECT_TRUE(has(ran.out, "4  2024-05-01T12:00:00.250Z  alice   reload  00ff")) << ran.out;
  EXPECT_TRUE(has(ran.out, "pool v2 added and 1 more")) << ran.out;
}

TEST_F(ReloadVerbs, ShowPrintsTheTextAsItWasWritten) {
  EXPECT_EQ(sluice({"config", "show"}).out, "[server]\nworkers = 1\n");
  EXPECT_EQ(sluice({"config", "show", "4"}).out, "[server]\nworkers = 1\n");
  EXPECT_TRUE(has(sluice({"config", "show", "4", "--json"}).out, "\"number\":4"));
  EXPECT_EQ(sluice({"config", "show", "3"}).code, exit_refused) << "it has no text";
  EXPECT_EQ(sluice({"config", "show", "9"}).code, exit_refused);
}

TEST_F(ReloadVerbs, RollbackSaysThatTheFileDiffers) {
  admin.on_control([](FakeControl& control) { control.reload_result.file_differs = true; });
  const Ran ran = sluice({"config", "rollback"});
  EXPECT_EQ(ran.code, exit_done) << ran.err;
  EXPECT_TRUE(has(ran.out, "the file on disk says something else")) << ran.out;
  EXPECT_EQ(sluice({"config", "rollback", "3", "--dry-run"}).code, exit_done);
  EXPECT_EQ(calls(),
            (std::vector<std::string>{"roll_back_settings previous", "roll_back_settings 3"}));
}

TEST_F(ReloadVerbs, WrongCommandLinesAskNothing) {
  const std::vector<std::vector<std::string>> lines = {
      {"reload", "now"},
      {"reload", "--confirm"},
      {"reload", "--confirm", "60"},
      {"reload", "--confirm", "0s"},
      {"reload", "confirm", "--dry-run"},
      {"reload", "confirm", "--record", "x"},
      {"reload", "--record", "7"},
      {"config"},
      {"config", "rollback", "x"},
      {"config", "show", "-1"},
  };
  for (const auto& line : lines) {
    EXPECT_EQ(run(line).code, exit_usage) << line.back() << " of " << line.front();
  }
  EXPECT_TRUE(calls().empty());
}

TEST(ReloadView, WhatIsNoJsonIsShownAsItIs) {
  EXPECT_EQ(reload_view("plain", false), "plain");
  EXPECT_EQ(reload_history_view("plain", false), "plain");
  EXPECT_EQ(reload_history_view(R"({"reloads":[]})", false), "no records\n");
  EXPECT_EQ(refused_settings_view(502, "plain\nmore"), "sluice: 502 plain\n");
}

}  // namespace
}  // namespace sluice::proxy::program
