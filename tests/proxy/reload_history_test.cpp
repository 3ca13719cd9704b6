#include "proxy/reload_history.hpp"

#include <gtest/gtest.h>
#include <pthread.h>

#include <filesystem>
#include <future>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>

#include "core/text_hash.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::proxy {
namespace {

ReloadRecord record_of(const std::string& text) {
  ReloadRecord record;
  record.at_ms = 1'714'564'800'250;
  record.who = "alice";
  record.from = "127.0.0.1:40000";
  record.why = "reload";
  record.hash = "00ff";
  record.changes = {"route shop changed: split: v1=100 -> v1=\"90\"", "pool v2 added"};
  record.text = text;
  return record;
}

std::string saved(ReloadHistory& history) {
  std::promise<std::string> promise;
  history.save([&](const std::string& problem) { promise.set_value(problem); });
  return promise.get_future().get();
}

TEST(ReloadHistory, NumbersItsRecordsAndFindsThem) {
  ReloadHistory history("");
  EXPECT_EQ(history.add(record_of("a")), 1U);
  EXPECT_EQ(history.add(record_of("b")), 2U);
  ASSERT_NE(history.find(2), nullptr);
  EXPECT_EQ(history.find(2)->text, "b");
  EXPECT_EQ(history.find(3), nullptr);
  EXPECT_EQ(saved(history), "") << "without a folder nothing is written";
}

TEST(ReloadHistory, KeepsTheNewestTwenty) {
  ReloadHistory history("");
  for (int round = 1; round <= 25; ++round) history.add(record_of(std::to_string(round)));
  ASSERT_EQ(history.records().size(), ReloadHistory::most_records);
  EXPECT_EQ(history.records().front()->number, 6U);
  EXPECT_EQ(history.records().back()->number, 25U);
}

TEST(ReloadHistory, KeepsTwoTextsHoweverLargeTheyAre) {
  ReloadHistory history("");
  history.add(record_of("small"));
  for (const char fill : {'a', 'b', 'c'}) {
    history.add(record_of(std::string(ReloadHistory::most_text, fill)));
  }
  ASSERT_EQ(history.records().size(), 2U);
  EXPECT_EQ(history.records().back()->number, 4U);
}

TEST(ReloadHistory, ComesBackFromDiskAsItWas) {
  support::TempDir folder;
  const std::string path = folder.file("settings");
  ReloadHistory history(path);
  history.add(record_of("first\n\ttext \"quoted\" \xc3\xa4"));
  history.add(record_of(""));
  ASSERT_EQ(saved(history), "");
  const ReloadHistory next(path);
  const auto loaded = next.load();
  ASSERT_TRUE(loaded) << loaded.error();
  ASSERT_EQ(loaded->size(), 2U);
  EXPECT_EQ(*loaded->at(0), *history.records()[0]);
  EXPECT_EQ(*loaded->at(1), *history.records()[1]);
  const auto rights = std::filesystem::status(next.path()).permissions();
  EXPECT_EQ(rights & std::filesystem::perms::group_read, std::filesystem::perms::none);
}

TEST(ReloadHistory, GoesOnWithTheNumbersOnDisk) {
  ReloadHistory first("");
  first.add(record_of("a"));
  first.add(record_of("b"));
  ReloadHistory next("");
  next.begin_with(first.records());
  EXPECT_EQ(next.add(record_of("c")), 3U);
}

TEST(ReloadHistory, WithoutAFileThereIsNothing) {
  support::TempDir folder;
  const auto loaded = ReloadHistory(folder.file("settings")).load();
  ASSERT_TRUE(loaded);
  EXPECT_TRUE(loaded->empty());
}

std::set<std::string> text_files(const std::string& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".toml")) names.insert(name);
  }
  return names;
}

/// A history on disk that has these texts.
struct OnDisk {
  OnDisk(std::initializer_list<const char*> texts) : history(path) {
    for (const char* text : texts) history.add(record_of(text));
    EXPECT_EQ(saved(history), "");
  }
  std::string file_of(const char* text) const {
    return path + "/" + core::text_hash(text) + ".toml";
  }

  support::TempDir folder;
  std::string path = folder.file("settings");
  ReloadHistory history;
};

TEST(ReloadHistory, ATextIsWrittenOnceAndGoesWithItsLastRecord) {
  OnDisk kept{"a", "b", "a"};
  const std::string& path = kept.path;
  const auto files = text_files(path);
  ASSERT_EQ(files.size(), 2U);
  for (const std::string& name : files) {
    const std::string text = support::read_file(path + "/" + name);
    EXPECT_EQ(name, core::text_hash(text) + ".toml");
    std::filesystem::last_write_time(path + "/" + name, {});
  }
  support::write_file(path + "/notes.toml", "an operator's own");
  for (std::size_t round = 1; round < ReloadHistory::most_records; ++round) {
    kept.history.add(record_of("a"));
    ASSERT_EQ(saved(kept.history), "");
  }
  EXPECT_EQ(text_files(path),
            (std::set<std::string>{"notes.toml", core::text_hash("a") + ".toml"}));
  EXPECT_EQ(std::filesystem::last_write_time(kept.file_of("a")), std::filesystem::file_time_type())
      << "it was written again";
}

TEST(ReloadHistory, ATextThatIsGoneOrAnotherOneLeavesItsRecordWithoutOne) {
  const OnDisk kept{"a", "b", "c"};
  std::filesystem::remove(kept.file_of("a"));
  support::write_file(kept.file_of("b"), "B");
  std::vector<std::string> lost;
  const auto loaded = kept.history.load(&lost);
  ASSERT_TRUE(loaded) << loaded.error();
  ASSERT_EQ(loaded->size(), 3U);
  EXPECT_EQ(lost.size(), 2U);
  EXPECT_EQ(loaded->at(0)->text, "");
  EXPECT_EQ(loaded->at(0)->hash, "") << "nobody can go back to it";
  EXPECT_EQ(loaded->at(1)->text, "");
  EXPECT_EQ(loaded->at(2)->text, "c");
}

/// Regression: it counted as gone, and the record lost it for good.
TEST(ReloadHistory, ATextThatCannotBeReadNowIsNoMissingText) {
  const OnDisk kept{"a"};
  const std::string file = kept.file_of("a");
  std::filesystem::remove(file);
  std::filesystem::create_directory(file);
  const auto loaded = kept.history.load();
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().find(file), std::string::npos) << loaded.error();
}

/// Regression: the next write removed what only the file that was moved aside still named.
TEST(ReloadHistory, AFileThatWasMovedAsideKeepsItsTexts) {
  const OnDisk before{"a"};
  const std::string& path = before.path;
  support::write_file(path + "/history.json", "{ torn");
  ReloadHistory history(path);
  ASSERT_FALSE(history.load());
  history.set_aside();
  history.add(record_of("b"));
  ASSERT_EQ(saved(history), "");
  EXPECT_EQ(text_files(path).size(), 2U);
}

TEST(ReloadHistory, ANameThatLeadsElsewhereIsNotFollowed) {
  const auto loaded =
      read_history_text(R"({"format":2,"records":[{"number":1,"at_ms":1,"who":"a","from":"",)"
                        R"("why":"reload","hash":"","changes":[],"file":"../secret.toml"}]})",
                        [](const std::string& file) {
                          ADD_FAILURE() << file << " is asked for";
                          return std::optional<std::string>("secret");
                        });
  ASSERT_TRUE(loaded) << loaded.error();
  EXPECT_EQ(loaded->at(0)->text, "");
}

TEST(ReloadHistory, AFileOfTheFirstFormatIsReadWithItsTexts) {
  const support::TempDir folder;
  const std::string path = folder.file("settings");
  std::filesystem::create_directories(path);
  support::write_file(path + "/history.json",
                      R"({"format":1,"records":[{"number":7,"at_ms":1,"who":"a","from":"",)"
                      R"("why":"reload","hash":"00ff","changes":[],"text":"a = 1\n"}]})");
  ReloadHistory history(path);
  auto loaded = history.load();
  ASSERT_TRUE(loaded) << loaded.error();
  ASSERT_EQ(loaded->size(), 1U);
  EXPECT_EQ(loaded->at(0)->text, "a = 1\n");
  history.begin_with(*loaded);
  ASSERT_EQ(saved(history), "");
  const auto again = history.load();
  ASSERT_TRUE(again) << again.error();
  EXPECT_EQ(*again->at(0), *loaded->at(0));
}

TEST(ReloadHistory, ATornFileIsRefusedAndMovedAside) {
  support::TempDir folder;
  ReloadHistory history(folder.file("settings"));
  history.add(record_of("a"));
  ASSERT_EQ(saved(history), "");
  const std::string whole = support::read_file(history.path());
  ASSERT_GT(whole.size(), 50U);
  for (const std::string& text :
       {whole.substr(0, whole.size() / 2), std::string("[]"), std::string(R"({"format":9})"),
        std::string(R"({"format":1})"), std::string(R"({"format":1,"records":[{"number":1}]})"),
        std::string()}) {
    support::write_file(history.path(), text);
    const auto loaded = history.load();
    EXPECT_FALSE(loaded) << text;
  }
  const std::string aside = history.set_aside();
  EXPECT_EQ(aside, history.path() + ".unusable");
  EXPECT_TRUE(std::filesystem::exists(aside));
  EXPECT_TRUE(history.load()) << "it is out of the way";
}

TEST(ReloadHistory, AFileOfANewerVersionIsKeptUnderItsFormat) {
  support::TempDir folder;
  ReloadHistory history(folder.file("settings"));
  std::filesystem::create_directories(folder.file("settings"));
  support::write_file(history.path(), R"({"format":9,"more":1})");
  ASSERT_FALSE(history.load());
  EXPECT_EQ(history.set_aside(), history.path() + ".format-9");
  history.add(record_of("a"));
  EXPECT_EQ(saved(history), "");
  EXPECT_EQ(support::read_file(history.path() + ".format-9"), R"({"format":9,"more":1})");
}

TEST(ReloadHistory, WhatCannotBeMovedAsideIsNotWrittenOver) {
  support::TempDir folder;
  ReloadHistory history(folder.file("settings"));
  const std::string aside = history.path() + ".unusable";
  std::filesystem::create_directories(aside + "/taken");
  support::write_file(history.path(), "{ torn");
  ASSERT_FALSE(history.load());
  EXPECT_EQ(history.set_aside(), aside);
  history.add(record_of("a"));
  EXPECT_NE(saved(history).find("rename"), std::string::npos);
  EXPECT_EQ(support::read_file(history.path()), "{ torn");
  std::filesystem::remove_all(aside);
  EXPECT_EQ(saved(history), "");
  EXPECT_EQ(support::read_file(aside), "{ torn");
}

TEST(ReloadHistory, AFailedWriteIsToldAndTheNextOneMaySucceed) {
  support::TempDir folder;
  const std::string path = folder.file("settings");
  support::write_file(path, "no folder");
  ReloadHistory history(path);
  history.add(record_of("a"));
  EXPECT_NE(saved(history).find(path), std::string::npos);
  std::filesystem::remove(path);
  EXPECT_EQ(saved(history), "");
  EXPECT_EQ(ReloadHistory(path).load()->size(), 1U);
}

/// Threads that are made meanwhile ask for more stack than there are addresses.
class NoMoreThreads {
 public:
  NoMoreThreads() {
    pthread_attr_t huge;
    EXPECT_EQ(pthread_getattr_default_np(&before_), 0);
    pthread_attr_init(&huge);
    EXPECT_EQ(pthread_attr_setstacksize(&huge, std::size_t{1} << 48U), 0);
    EXPECT_EQ(pthread_setattr_default_np(&huge), 0);
    pthread_attr_destroy(&huge);
  }
  NoMoreThreads(const NoMoreThreads&) = delete;
  NoMoreThreads& operator=(const NoMoreThreads&) = delete;
  ~NoMoreThreads() {
    pthread_setattr_default_np(&before_);
    pthread_attr_destroy(&before_);
  }

 private:
  pthread_attr_t before_{};
};

TEST(ReloadHistory, WithoutAThreadItIsToldThatNothingIsWritten) {
  support::TempDir folder;
  const std::string path = folder.file("settings");
  ReloadHistory history(path);
  history.add(record_of("a"));
  {
    const NoMoreThreads limit;
    EXPECT_NE(saved(history).find("no thread"), std::string::npos);
  }
  EXPECT_EQ(saved(history), "");
  EXPECT_EQ(ReloadHistory(path).load()->size(), 1U);
}

TEST(ReloadHistory, CloseWritesWhatWaits) {
  support::TempDir folder;
  const std::string path = folder.file("settings");
  int answers = 0;
  {
    ReloadHistory history(path);
    for (const char* text : {"a", "b", "c"}) {
      history.add(record_of(text));
      history.save([&](const std::string&) { ++answers; });
    }
    history.close();
    EXPECT_EQ(answers, 3);
    history.save([&](const std::string&) { ++answers; });
    EXPECT_EQ(answers, 4) << "closed: nothing is written, nobody waits";
  }
  EXPECT_EQ(ReloadHistory(path).load()->size(), 3U);
}

}  // namespace
}  // namespace sluice::proxy
