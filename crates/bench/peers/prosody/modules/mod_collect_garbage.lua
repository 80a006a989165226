-- Collects garbage at SIGUSR2, so that memory is measured without it.
module:set_global();

module:hook("signal/SIGUSR2", function ()
	collectgarbage("collect");
end);
