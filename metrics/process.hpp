#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

/// What Linux tells about the running process (proc(5)).
namespace sluice::metrics {

/// The fields of /proc/self/stat that are of use here, in the units of the kernel.
struct ProcessStat {
  std::uint64_t cpu_ticks = 0;  ///< user and system, all threads
  std::uint64_t threads = 0;
  std::uint64_t start_ticks = 0;  ///< since boot
  std::uint64_t virtual_bytes = 0;
  std::uint64_t resident_pages = 0;
};

/// Reads a line of /proc/PID/stat. None when it is cut short or not a number where one belongs. The
/// name of the program may hold spaces, parentheses and line breaks.
std::optional<ProcessStat> parse_stat(std::string_view line);

/// The boot time in /proc/stat, in seconds since the Unix epoch. None when it is not there.
std::optional<std::uint64_t> parse_boot_time(std::string_view text);

/// Each value is absent when the system does not tell it, for example without a free descriptor.
struct ProcessUsage {
  std::optional<double> cpu_seconds;
  std::optional<double> start_time_seconds;  ///< since the Unix epoch
  std::optional<std::uint64_t> resident_bytes;
  std::optional<std::uint64_t> virtual_bytes;
  std::optional<std::uint64_t> open_fds;
  std::optional<std::uint64_t> max_fds;
  std::optional<std::uint64_t> threads;
};

/// Reads the running process. Keeps the boot time it found first: the kernel derives it from the
/// wall clock, so later readings differ by a second now and then.
class ProcessReader {
 public:
  ProcessReader();
  ProcessUsage read() const;

 private:
  std::optional<std::uint64_t> boot_time_;
};

}  // namespace sluice::metrics
