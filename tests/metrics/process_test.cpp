#include "metrics/process.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <string>

namespace sluice::metrics::test {
namespace {

std::string stat_of(const std::string& name) {
  return "4711 (" + name +
         ") S 1 4711 4711 0 -1 4194560 2000 0 1 0 150 50 0 0 20 0 9 0 123456 1073741824 2560 "
         "18446744073709551615 1 1 0 0 0 0 0 4096 0 0 0 0 17 3 0 0 0 0 0\n";
}

TEST(ParseStat, ReadsTheFieldsOfUse) {
  const auto stat = parse_stat(stat_of("sluice"));
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->cpu_ticks, 200U);
  EXPECT_EQ(stat->threads, 9U);
  EXPECT_EQ(stat->start_ticks, 123456U);
  EXPECT_EQ(stat->virtual_bytes, 1073741824U);
  EXPECT_EQ(stat->resident_pages, 2560U);
}

TEST(ParseStat, IsNotMisledByTheNameOfTheProgram) {
  for (const char* name : {"a b", "a) S 1 2 3", "((", "", "))) 1 2", "a\nb"}) {
    const auto stat = parse_stat(stat_of(name));
    ASSERT_TRUE(stat) << name;
    EXPECT_EQ(stat->start_ticks, 123456U) << name;
  }
}

TEST(ParseStat, RefusesWhatIsCutShortOrNoNumber) {
  const auto whole = stat_of("sluice");
  EXPECT_FALSE(parse_stat(""));
  EXPECT_FALSE(parse_stat("4711 (sluice"));
  EXPECT_FALSE(parse_stat("4711 (sluice)"));
  EXPECT_FALSE(parse_stat(whole.substr(0, whole.find(" 2560"))));
  auto broken = whole;
  broken.replace(broken.find("123456"), 6, "12x456");
  EXPECT_FALSE(parse_stat(broken));
  broken.replace(broken.find("12x456"), 6, "-23456");
  EXPECT_FALSE(parse_stat(broken));
}

TEST(ParseBootTime, FindsItsLine) {
  EXPECT_EQ(parse_boot_time("cpu  1 2 3\nbtime 1700000000\nprocesses 5\n"), 1700000000U);
  EXPECT_EQ(parse_boot_time("btime 1700000000"), 1700000000U);
}

TEST(ParseBootTime, IsAbsentWithoutOne) {
  EXPECT_FALSE(parse_boot_time(""));
  EXPECT_FALSE(parse_boot_time("cpu 1\nnbtime 5\n"));
  EXPECT_FALSE(parse_boot_time("btime soon\n"));
}

TEST(ProcessReader, TellsAPlausibleStart) {
  const auto usage = ProcessReader().read();
  ASSERT_TRUE(usage.start_time_seconds);
  const auto now = static_cast<double>(std::time(nullptr));
  // The kernel rounds the boot time to a second.
  EXPECT_LE(*usage.start_time_seconds, now + 2);
  EXPECT_GE(*usage.start_time_seconds, now - 24 * 3600);
}

TEST(ProcessReader, TellsTheSameStartEachTime) {
  const ProcessReader reader;
  EXPECT_EQ(reader.read().start_time_seconds, reader.read().start_time_seconds);
}

TEST(ProcessReader, CountsOpenDescriptors) {
  const ProcessReader reader;
  const auto before = reader.read().open_fds;
  ASSERT_TRUE(before);
  const int more[] = {::open("/dev/null", O_RDONLY), ::open("/dev/null", O_RDONLY),
                      ::open("/dev/null", O_RDONLY)};
  const auto with_more = reader.read().open_fds;
  for (const int fd : more) ::close(fd);
  EXPECT_EQ(with_more, *before + 3);
  EXPECT_GE(*with_more, 3U);
  EXPECT_EQ(reader.read().open_fds, *before);
}

TEST(ProcessReader, LeavesOutTheDescriptorsWhenNoneIsFree) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the sanitizer itself needs a free descriptor to look at memory";
#endif
  rlimit saved{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &saved), 0);
  const ProcessReader reader;
  const rlimit none{0, saved.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto usage = reader.read();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &saved), 0);
  EXPECT_FALSE(usage.open_fds);
  EXPECT_FALSE(usage.resident_bytes);
  EXPECT_EQ(usage.max_fds, 0U);
}

TEST(ProcessReader, TellsMemoryThreadsAndLimit) {
  const auto usage = ProcessReader().read();
  ASSERT_TRUE(usage.resident_bytes && usage.virtual_bytes && usage.threads && usage.max_fds);
  EXPECT_GT(*usage.resident_bytes, 100'000U);
  EXPECT_GT(*usage.virtual_bytes, *usage.resident_bytes);
  EXPECT_GE(*usage.threads, 1U);
  EXPECT_GE(*usage.max_fds, *usage.open_fds);
}

TEST(ProcessReader, CountsCpuTimeUpwards) {
  const ProcessReader reader;
  const auto before = reader.read().cpu_seconds;
  ASSERT_TRUE(before);
  // Burn CPU time, not wall time, until the kernel's tick has moved.
  const auto begin = std::clock();
  while (std::clock() - begin < CLOCKS_PER_SEC / 20) {
  }
  const auto after = reader.read().cpu_seconds;
  ASSERT_TRUE(after);
  EXPECT_GT(*after, *before);
  EXPECT_LT(*after, *before + 60);
}

}  // namespace
}  // namespace sluice::metrics::test
