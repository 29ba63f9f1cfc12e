"""Goal: this release's compiler and libraries build the program without a warning. What is built
stays for the machines of the other tests."""
import service

service.step("build it")
service.build()
