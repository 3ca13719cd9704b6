#include "metrics/process.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

namespace sluice::metrics {
namespace {

/// Positions of the fields that follow the name of the program; proc(5) numbers them from 3 on.
enum Field : std::size_t {
  field_user_ticks = 14 - 3,
  field_system_ticks = 15 - 3,
  field_threads = 20 - 3,
  field_start_ticks = 22 - 3,
  field_virtual_bytes = 23 - 3,
  field_resident_pages = 24 - 3,
  field_end,
};

std::string read_whole(const char* path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::vector<std::string_view> words_of(std::string_view text) {
  constexpr std::string_view blanks = " \n";
  std::vector<std::string_view> words;
  for (auto begin = text.find_first_not_of(blanks); begin != text.npos;) {
    const auto end = std::min(text.find_first_of(blanks, begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = text.find_first_not_of(blanks, end);
  }
  return words;
}

std::optional<std::uint64_t> number_in(std::string_view word) {
  std::uint64_t value = 0;
  const auto* end = word.data() + word.size();
  const auto [stopped, error] = std::from_chars(word.data(), end, value);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> system_value(int name) {
  const long value = ::sysconf(name);
  if (value <= 0) return std::nullopt;
  return static_cast<std::uint64_t>(value);
}

std::optional<std::uint64_t> count_open_fds() {
  std::error_code error;
  std::filesystem::directory_iterator entry("/proc/self/fd", error);
  std::uint64_t count = 0;
  while (!error && entry != std::filesystem::directory_iterator()) {
    ++count;
    entry.increment(error);
  }
  // The listing holds one descriptor itself; none at all means that it could not be read.
  if (error || count == 0) return std::nullopt;
  return count - 1;
}

std::optional<std::uint64_t> descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::nullopt;
  return limit.rlim_cur;
}

}  // namespace

std::optional<ProcessStat> parse_stat(std::string_view line) {
  const auto name_end = line.rfind(')');
  if (name_end == line.npos) return std::nullopt;
  const auto words = words_of(line.substr(name_end + 1));
  if (words.size() < field_end) return std::nullopt;
  const auto user = number_in(words[field_user_ticks]);
  const auto system = number_in(words[field_system_ticks]);
  const auto threads = number_in(words[field_threads]);
  const auto start = number_in(words[field_start_ticks]);
  const auto virtual_bytes = number_in(words[field_virtual_bytes]);
  const auto resident = number_in(words[field_resident_pages]);
  if (!user || !system || !threads || !start || !virtual_bytes || !resident) return std::nullopt;
  return ProcessStat{*user + *system, *threads, *start, *virtual_bytes, *resident};
}

std::optional<std::uint64_t> parse_boot_time(std::string_view text) {
  constexpr std::string_view key = "btime ";
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    if (line.starts_with(key)) return number_in(line.substr(key.size()));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return std::nullopt;
}

ProcessReader::ProcessReader() : boot_time_(parse_boot_time(read_whole("/proc/stat"))) {}

ProcessUsage ProcessReader::read() const {
  ProcessUsage usage;
  usage.open_fds = count_open_fds();
  usage.max_fds = descriptor_limit();
  const auto stat = parse_stat(read_whole("/proc/self/stat"));
  if (!stat) return usage;
  usage.threads = stat->threads;
  usage.virtual_bytes = stat->virtual_bytes;
  if (const auto page = system_value(_SC_PAGESIZE)) {
    usage.resident_bytes = stat->resident_pages * *page;
  }
  if (const auto ticks = system_value(_SC_CLK_TCK)) {
    const auto per_second = static_cast<double>(*ticks);
    usage.cpu_seconds = static_cast<double>(stat->cpu_ticks) / per_second;
    if (boot_time_) {
      usage.start_time_seconds =
          static_cast<double>(*boot_time_) + static_cast<double>(stat->start_ticks) / per_second;
    }
  }
  return usage;
}

}  // namespace sluice::metrics
