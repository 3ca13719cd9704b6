#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "core/result.hpp"
#include "proxy/command_run.hpp"
#include "proxy/owned_descriptor.hpp"

namespace sluice::proxy {

/// A child process that was started. Whoever holds it has to reap it.
struct Spawned {
  pid_t pid = -1;         ///< and the number of its process group
  OwnedDescriptor pidfd;  ///< readable once it has ended (pidfd_open(2))
  OwnedDescriptor out;    ///< the reading ends of its outputs, non-blocking
  OwnedDescriptor err;
};

/// Starts the program; see run_command() for what it gets from us. Returns once it is executed. The
/// error is a sentence.
core::Result<Spawned, std::string> spawn(const CommandOrder& order);

/// Texts as exec wants them. Valid as long as the texts are.
std::vector<char*> pointers_to(std::vector<std::string>& texts);

/// For a child that cannot be followed: kills its group and waits for its death.
void kill_and_reap(pid_t pid);

}  // namespace sluice::proxy
