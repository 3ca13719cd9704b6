#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "conf/words.hpp"
#include "sluice/conf.hpp"

namespace sluice::conf {
namespace {

/// A file in the directory of the tests that lives as long as the object.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text)
      : path_(testing::TempDir() + "sluice_conf_" +
              testing::UnitTest::GetInstance()->current_test_info()->name() + ".toml") {
    std::ofstream(path_, std::ios::binary) << text;
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { static_cast<void>(std::remove(path_.c_str())); }

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(ReadFile, names_the_file_in_each_problem) {
  const TemporaryFile file("[server]\nworkers = \"x\"\n");
  const Parsed parsed = read_file(file.path());
  ASSERT_EQ(parsed.problems.size(), 2U);
  EXPECT_EQ(parsed.problems[1].file, file.path());
  EXPECT_TRUE(to_string(parsed.problems[1]).starts_with(file.path() + ":2:11: "));
}

TEST(ReadFile, reads_a_file_larger_than_one_block) {
  const TemporaryFile file(std::string(100'000, '#') + "\n[server]\nworkers = 7\n");
  EXPECT_EQ(read_file(file.path()).settings.server.workers, 7U);
}

TEST(ReadFile, hands_out_the_text_also_of_a_file_with_problems) {
  const std::string text = "[server]\nworkers = \"x\"\n# " + std::string(20'000, 'x');
  const TemporaryFile file(text);
  const Parsed parsed = read_file(file.path());
  EXPECT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.text, text);
  EXPECT_EQ(read_file("/does/not/exist.toml").text, "");
}

TEST(ReadFile, says_why_a_file_cannot_be_read) {
  const Parsed parsed = read_file("/does/not/exist.toml");
  ASSERT_EQ(parsed.problems.size(), 1U);
  EXPECT_EQ(to_string(parsed.problems[0]),
            "/does/not/exist.toml:1:1: cannot read the file: No such file or directory; check that "
            "the path names a file which this user may read");
}

TEST(ReadFile, says_that_a_directory_is_no_file) {
  const Parsed parsed = read_file(testing::TempDir());
  ASSERT_EQ(parsed.problems.size(), 1U);
  EXPECT_NE(parsed.problems[0].message.find("Is a directory"), std::string::npos);
}

TEST(ReadFile, gives_up_on_a_file_without_end) {
  const Parsed parsed = read_file("/dev/zero");
  ASSERT_EQ(parsed.problems.size(), 1U);
  EXPECT_NE(parsed.problems[0].message.find("larger than 16 MiB"), std::string::npos);
}

TEST(Printable, escapes_what_steers_a_terminal) {
  EXPECT_EQ(printable("a\x1b[31m\n\x7f"), "a\\x1b[31m\\x0a\\x7f");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m \xc3\xa4 \xc2\xa0"),
            "\\x9b"
            "31m \xc3\xa4 \xc2\xa0");
  const Parsed parsed = parse("\"a\\u001b[2J\" = 1\n", "f");
  EXPECT_EQ(parsed.problems.at(1).message.find('\x1b'), std::string::npos);
}

TEST(InQuotes, cuts_long_text_between_code_points) {
  EXPECT_EQ(in_quotes("short"), "'short'");
  EXPECT_EQ(in_quotes(std::string(59, 'a') + "\xc3\xa4"
                                             "bc"),
            "'" + std::string(59, 'a') + "...'");
}

}  // namespace
}  // namespace sluice::conf
